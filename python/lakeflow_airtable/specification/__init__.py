"""What a specification means: which tables of Airtable's go where, and how each is kept.

Pipelines of Spark and `Airtable.sync` read the same specification by the code here, and each carries it out in its own
way. `spec` says what a specification may hold, `tables` finds what it names in Airtable, and `names` says what the
copies are called. Nothing here needs pyspark.
"""
