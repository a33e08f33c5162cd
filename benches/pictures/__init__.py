"""The pictures of the pages, as SVG in docs/pictures: `make pictures`.

Each is there twice, NAME-light.svg and NAME-dark.svg. One file is one picture:

    flow         flow         bases, the steps of a read, who takes the batches, the lake
    cursors      cursors      a paced read by one cursor and by several, request by request
    refused      refused      a 429, the wait, and the slower pace after it
    speed        speed        records a second beside pyairtable's, whole reads (docs/speed.md)
    limit        speed        records a second under Airtable's limit (docs/speed.md)
    memory       memory       peak memory by the size of the table (docs/speed.md)
    history      history      three changes of a record, and the versions that SCD 2 makes of them
    sample-base  sample_base  the mock's sample base; text for Mermaid, sample-base.mmd

The first column is the picture, the second the module. Nothing is invented: `cursors`, `refused` and `history` draw
what `make pictures` has recorded in `runs/`, a log of the mock's or the rows of a read; `speed`, `limit` and `memory`
draw the tables of docs/speed.md, which `make bench` writes. Drawing is pure: the same records give the same picture,
and a test holds that the pictures are those of their records.
"""
