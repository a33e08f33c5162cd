"""What a specification means: which tables of Airtable's go where, and how each is kept.

Pipelines of Spark and `Airtable.sync` read the same specification by the code here, and each carries it out in its own
way. `given` takes what `sync` and `estimate` are given, and `spec` says what a specification may hold. `tables` finds
what it names in Airtable, `upkeep` says how each is kept, and `names` what the copies are called. Nothing here needs
pyspark.
"""
