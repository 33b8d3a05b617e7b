"""Spark as tests start it: one small session a process, quick to start rather than quick to compute."""

from __future__ import annotations

from importlib.util import find_spec

from finops_ledger.books.config_engine import EngineLimits, Spark
from finops_ledger.subledger.spark_settings import java_version

#: Two tasks at a time over a few rows: nothing of Spark's or Java's compiling pays.
SETTINGS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
LIMITS = EngineLimits(name="spark", memory="1GB", threads=2, spark=Spark(settings=SETTINGS))
#: The same, as finops.toml says it.
TOML = '[engine]\nname = "spark"\nmemory = "1GB"\nthreads = 2\n\n[engine.spark]\n' + "".join(
    f'{name} = "{value}"\n' for name, value in SETTINGS.items()
)


def lacking() -> str | None:
    """What this machine lacks to start Spark; None when nothing is missing."""
    if find_spec("pyspark") is None:
        return "no pyspark"
    found = java_version()
    return None if found and found[0] in (17, 21) else "no Java 17 or 21"
