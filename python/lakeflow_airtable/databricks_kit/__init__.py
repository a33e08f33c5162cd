"""The kit for Databricks: a bundle that a template makes, and the commands that bring it into a workspace.

| file | what it is |
|---|---|
| `up` | the way from a folder to rows: login, rights, connection, wheels, deployment, run |
| `run` | what a pipeline's events say of a run: rows of each table, or the first error |
| `rights` | the privileges that a user needs, each with its GRANT |
| `template` | the folder of the kit, made of the files in `template/` and of answers |
| `facts` | what a kit's folder says: the variables of its bundle, and its specification |
| `wheels` | the wheels in a folder, and which machines they are for |
| `connection` | the definition of a Unity Catalog connection |
| `program` | Databricks' command line: each call is shown, and its complaints are errors |
| `tokens` | where the token comes from: a file, the environment, a prompt |
| `cures` | what to do about what Databricks, pip and this package say |
"""
