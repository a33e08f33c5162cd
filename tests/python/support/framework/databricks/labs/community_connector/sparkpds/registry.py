"""How the framework finds a source by its name."""

import importlib
import inspect

from databricks.labs.community_connector.sparkpds.lakeflow_datasource import LakeflowSource

_SOURCES = "databricks.labs.community_connector.sources"


def find_data_source(name):
    """The source's data source: one that its package defines, not one that it merely imports."""
    package = _package(name)
    for _, found in inspect.getmembers(package, inspect.isclass):
        is_inside = f"{found.__module__}.".startswith(f"{package.__name__}.")
        if issubclass(found, LakeflowSource) and found is not LakeflowSource and is_inside:
            return found
    raise ValueError(f"source {name} has no data source")


def _package(name):
    try:
        return importlib.import_module(f"{_SOURCES}.{name}")
    except ModuleNotFoundError as error:
        raise ValueError(f"Source '{name}' not found: install the package {_SOURCES}.{name}") from error


def register(spark, name):
    """What the pipelines' template calls."""
    if not isinstance(name, str):
        raise TypeError(f"register() takes a source name string, got {type(name)}")
    _package(name)
    module = importlib.import_module(f"{_SOURCES}.{name}._generated_{name}_python_source")
    if not hasattr(module, "register_lakeflow_source"):
        raise AttributeError(f"{module.__name__} has no function register_lakeflow_source")
    module.register_lakeflow_source(spark)
