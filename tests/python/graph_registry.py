"""What a pipeline's definitions define, kept instead of sent to a server."""

from __future__ import annotations

from pathlib import Path

from pyspark.pipelines.flow import AutoCdcFlow, Flow
from pyspark.pipelines.graph_element_registry import GraphElementRegistry
from pyspark.pipelines.output import Output


class Registry(GraphElementRegistry):
    """Keeps what Spark's own functions define."""

    def __init__(self) -> None:
        self.outputs: dict[str, Output] = {}
        self.flows: dict[str, Flow] = {}
        self.auto_cdc: dict[str, AutoCdcFlow] = {}

    def register_output(self, output: Output) -> None:
        assert output.name not in self.outputs
        self.outputs[output.name] = output

    def register_flow(self, flow: Flow) -> None:
        assert flow.name not in self.flows
        self.flows[flow.name] = flow

    def register_auto_cdc_flow(self, flow: AutoCdcFlow) -> None:
        assert flow.target not in self.auto_cdc
        self.auto_cdc[flow.target] = flow

    def register_sql(self, sql_text: str, file_path: Path) -> None:
        raise NotImplementedError
