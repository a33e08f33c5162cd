"""The benchmarks: what a read costs, beside its peers in the same run, in one report.

`make bench` runs them all, `python -m suite --help` in the folder above says how to run some. One file is one group:

    whole       whole reads at full speed: this package, Spark, pyairtable, and what is the least that each could take
    paced       the share of Airtable's limit that a read uses, by the time that an answer takes
    shared      six processes that read six tables of a base at once
    memory      peak memory by the size of the table
    increments  requests and time for a few changes of a large table
    polls       requests of idle streams of one base
    bases       ten bases read by a cluster, as one table and one after the other
    resume      a first load that is killed and goes on
    machines    several machines that read one base, with a place that all see and by refusals alone
    start       size of the wheel, imports, first batch
    copies      copies that are kept, beside dlt
    files       a table into Parquet, JSON lines and Delta, beside a loop over pyairtable
    sizes       rows per batch that suit Spark; only when it is named

All of them read from the mock Airtable, which runs in a process of its own on loopback (`server.py`). What is measured
runs in a fresh process each time (`process.py`), readers take turns, and medians are shown (`report.py`). A measurement
that read another number of rows than there are ends the run. Linux only: processes are weighed by /proc.
"""
