"""What a Spark session is told, and what it needs on the machine. Imports nothing of Spark."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from finops_ledger.core.errors import UsageError

#: Settings on which the rows depend. They are the same in every session, and nobody else's to set.
OURS: Final = {
    # Times are moments, shown and cut into days in UTC; the books' zones are added by us.
    "spark.sql.session.timeZone": "UTC",
    # What does not fit, or is no number, is an error and not a null.
    "spark.sql.ansi.enabled": "true",
    # Digits are never cut off to make a product fit: it is an error instead.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    # As DuckDB and Arrow read and write them: microseconds, in UTC.
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.parquet.mergeSchema": "false",
    # A file that is gone or damaged is an error and not an empty one.
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
}
#: What suits us unless finops.toml says otherwise.
_PREFERRED: Final = {
    "spark.app.name": "finops-ledger",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # What a kept table held goes when it is let go of, not when memory runs short.
    "spark.cleaner.periodicGC.interval": "5min",
    "spark.log.level": "ERROR",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    "spark.sql.maxPlanStringLength": "4096",
    "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
}
#: The versions of Java that Spark 4 runs on.
_JAVA: Final = (17, 21)


@dataclass(frozen=True)
class Settings:
    """Where Spark runs, how much of the machine it may use, and what else it is told."""

    master: str = ""
    memory: str = "3g"
    threads: int = 0
    temp: str = ""
    storage: str = ""
    more: tuple[tuple[str, str], ...] = ()

    @property
    def local(self) -> bool:
        """Whether Spark runs in a process of this machine."""
        return self.where.startswith("local")

    @property
    def where(self) -> str:
        """The master: as told, else all cores of this machine, or so many as ``threads`` says."""
        return self.master or f"local[{self.threads or '*'}]"

    def conf(self, folder: str) -> dict[str, str]:
        """Return every setting of the session; ``folder`` is where it may spill."""
        made = {**_PREFERRED, "spark.master": self.where, "spark.local.dir": self.temp or folder}
        made["spark.sql.warehouse.dir"] = str(Path(folder) / "warehouse")
        if self.local:
            # Executor and driver are one process, which nobody but this machine talks to.
            made |= {
                "spark.driver.memory": self.memory,
                "spark.driver.host": "localhost",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.sql.shuffle.partitions": str(self.threads or os.cpu_count() or 1),
            }
        return {**made, **dict(self.more), **OURS}


def check_installed() -> None:
    """Raise UsageError when Spark cannot start on this machine, saying what to install."""
    if find_spec("pyspark") is None:
        raise UsageError(
            'finops.toml names the engine "spark", and pyspark is not installed; install it with '
            "pip install 'finops-ledger[spark]', or write name = \"duckdb\" under [engine]"
        )
    found = java_version()
    wanted = " or ".join(str(v) for v in _JAVA)
    advice = (
        "install one (Debian: apt-get install openjdk-17-jre-headless) and, if several are there, "
        'let JAVA_HOME name it; or write name = "duckdb" under [engine] in finops.toml'
    )
    if found is None:
        raise UsageError(f"Spark needs Java {wanted}, and there is none on this machine: {advice}")
    version, place = found
    if version not in _JAVA:
        raise UsageError(f"Spark needs Java {wanted}; {place} is Java {version}: {advice}")


def java_version() -> tuple[int, str] | None:
    """Return the version of the Java that Spark would start, and where it is; None when there is none.

    Spark looks at JAVA_HOME, then on the path.
    """
    home = os.environ.get("JAVA_HOME")
    place = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if place is None:
        return None
    try:
        told = subprocess.run([place, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    return (int(found[1]), place) if found else None
