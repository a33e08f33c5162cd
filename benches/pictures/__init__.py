"""The pictures of the pages, as SVG in docs/pictures: `make pictures`.

Each is there twice, NAME-light.svg and NAME-dark.svg. One file is one picture:

    flow         flow         bases, the steps of a read, who takes the batches, the lake
    cursors      cursors      a paced read by one cursor and by several, request by request
    refused      refused      a 429, the wait, and the slower pace after it
    speed        speed        records a second beside pyairtable's, whole reads (docs/speed.md)
    limit        speed        records a second under Airtable's limit (docs/speed.md)
    memory       memory       peak memory by the size of the table (docs/speed.md)
    start        groups       milliseconds of imports and first batches (docs/speed.md, as all of this module)
    increments   groups       requests for what changed
    shared       groups       records a second of six processes and one base
    polls        groups       requests an hour of idle streams
    resume       groups       requests of a first load, whole and killed at half
    files        groups       processor seconds from a table to files
    copies       groups       processor seconds of a copy that is kept
    bases        groups       seconds of ten bases, one after the other and as one table
    attachments  groups       seconds until files are stored, beside a loop
    machines     groups       requests of several machines and one base
    history      history      three changes of a record, and the versions that SCD 2 makes of them
    sample-base  sample_base  the mock's sample base; text for Mermaid, sample-base.mmd

The first column is the picture, the second the module. Nothing is invented: `cursors`, `refused` and `history` draw
what `make pictures` has recorded in `runs/`, a log of the mock's or the rows of a read; `speed`, `memory` and `groups`
draw the tables of docs/speed.md, which `make bench` writes. Drawing is pure: the same records give the same picture,
and a test holds that the pictures are those of their records.
"""
