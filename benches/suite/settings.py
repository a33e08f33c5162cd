"""Sizes of a run, from its arguments."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How much is measured. The defaults take half an hour on two cores; `quick` shows only that all runs."""

    rounds: int = 3
    records: int = 100_000
    """Of the tables of `whole`, `files`, `copies` and `increments`."""

    spark_reads: int = 3
    """Reads in one session, of which the median counts."""

    with_decoder: bool = True
    paced_records: int = 100_000
    paced_peer_records: int = 20_000
    """Of the tables that readers page by page read: their pace does not depend on the size."""

    response_seconds: tuple[float, ...] = (0.2, 0.4, 0.8)
    shared_records: int = 3_000
    base_records: int = 3_000
    """Of the table of each of ten bases."""

    attachment_files: int = 2_000
    """Records with a file each."""

    memory_records: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    changes: tuple[int, ...] = (1, 100, 10_000)
    sync_changes: int = 1_000
    """Records that are edited between two runs of a copy."""

    poll_streams: tuple[int, ...] = (1, 5, 20)
    """Idle streams of one base."""

    poll_polls: int = 30
    """How often each of them asks."""

    place_machines: tuple[int, ...] = (3, 12)
    """Machines that read one base with a place that all see."""

    place_seconds: int = 300
    refusal_machines: tuple[int, ...] = (3,)
    """The same without such a place."""

    refusal_seconds: int = 600
    refusal_runs: int = 3
    resume_records: int = 50_000
    """Of the table whose first load is killed."""

    starts: int = 15
    size_reads: int = 5
    wheel: str = ""

    @classmethod
    def quick(cls) -> Settings:
        """Everything once, as small as it goes."""
        return cls(
            rounds=1,
            records=300,
            spark_reads=1,
            with_decoder=False,
            paced_records=300,
            paced_peer_records=200,
            response_seconds=(0.25,),
            shared_records=300,
            base_records=100,
            attachment_files=30,
            memory_records=(200, 400),
            changes=(1, 20),
            sync_changes=20,
            poll_streams=(1, 2),
            poll_polls=4,
            place_machines=(2,),
            place_seconds=20,
            refusal_machines=(1,),
            refusal_seconds=10,
            refusal_runs=1,
            resume_records=2_000,
            starts=2,
            size_reads=1,
        )
