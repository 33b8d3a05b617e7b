"""The table ``[engine]`` of finops.toml: which engine runs the rows of a day, and how much it may use."""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from finops_ledger.subledger.spark_settings import OURS, Settings

_SIZE = re.compile(r"(?P<number>\d+) *(?P<unit>[KMGT])i?B?", re.IGNORECASE)


class Spark(BaseModel):
    """Where Spark runs and what it is told: ``master``, ``temp``, and any setting ``spark.…``.

    ``storage``: where the executors find the Parquet files, when they do not see the workspace's folder.
    ``task_memory``: the limit of DuckDB in a task that reads a file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    master: str = Field(default="", pattern=r"^\S*$")
    temp: str = ""
    storage: str = Field(default="", pattern=r"^([a-z][a-z0-9]*://\S+)?$")
    task_memory: str = "1GB"
    settings: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _settings(cls, value: Any) -> Any:
        """Gather ``spark.…`` keys, quoted or not, into ``settings``."""
        if not isinstance(value, dict):
            return value
        own = {k: v for k, v in value.items() if k.partition(".")[0] != "spark"}
        told = {k: v for k, v in value.items() if k not in own}
        return {**own, "settings": {**own.get("settings", {}), **dict(_flat(told))}}

    @model_validator(mode="after")
    def _not_ours(self) -> Self:
        for name in self.settings:
            if name in OURS:
                raise ValueError(
                    f"{name} is set by the program, because the rows depend on it; leave it out"
                )
        if "spark.master" in self.settings and self.master:
            raise ValueError("write master or spark.master, not both")
        return self


def _flat(table: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Return the settings of nested tables by their whole names; TOML nests what dots divide."""
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            found += _flat(value, f"{name}.")
        else:
            found.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
    return found


class EngineLimits(BaseModel):
    """Which engine runs the rows of a day, and how much it may use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["duckdb", "spark"] = "duckdb"
    memory: str = "3GB"
    threads: int = 0
    spark: Spark = Spark()

    def session(self) -> Settings:
        """Return what a Spark session is started with."""
        found = _SIZE.fullmatch(self.memory.strip())
        memory = f"{found['number']}{found['unit'].lower()}" if found else "3g"
        return Settings(
            master=self.spark.settings.get("spark.master") or self.spark.master,
            memory=memory,
            threads=self.threads,
            temp=self.spark.temp,
            storage=self.spark.storage,
            more=tuple(
                sorted((k, v) for k, v in self.spark.settings.items() if k != "spark.master")
            ),
        )


__all__ = ["EngineLimits", "Spark"]
