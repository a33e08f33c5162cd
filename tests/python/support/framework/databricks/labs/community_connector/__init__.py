"""A stand-in for Databricks' community connector framework, written for these tests from its documented interface.

It is laid out as the framework's wheel is, because that decides whether Python finds our source: the packages above
this one extend their path to other directories, this one does not, and `sources` has no `__init__.py`.
"""


def __getattr__(name):
    # As late as can be: pipelines' templates take it from here, and other parts do without pyspark.
    if name == "register":
        from databricks.labs.community_connector.sparkpds.registry import register

        return register
    raise AttributeError(name)
