"""One Spark session a process, started when first asked for."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from finops_ledger.core.errors import UsageError
from finops_ledger.subledger.spark_settings import OURS, Settings, check_installed

_TOLD = 4_000
_started: list[Settings] = []


def session(settings: Settings) -> Any:
    """Return a session with views and settings of its own, on the process's one Spark context.

    A context that runs already (``spark-submit``, a notebook) is used as it is.

    Raises:
        UsageError: pyspark or Java is missing, or Spark does not start; or it runs under other settings.
    """
    check_installed()
    with quiet():
        return _session(settings)


def _session(settings: Settings) -> Any:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    running: Any = SparkContext._active_spark_context
    if running is None:
        running = _start(settings)
    elif _started and _started[0].conf("") != settings.conf(""):
        raise UsageError(
            "Spark runs in this process already, under other settings of [engine]; one process has one Spark: "
            "use another process for other books"
        )
    made = SparkSession(running).newSession()
    for name, value in OURS.items():
        made.conf.set(name, value)
    return made


@contextmanager
def quiet() -> Iterator[None]:
    """Spark warns of pandas 3 wherever it looks for pandas; nothing here goes through pandas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support", FutureWarning)
        yield


def _start(settings: Settings) -> Any:
    """Start Java and a context; what Java prints goes to a file, and is shown when it does not start."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    folder = Path(tempfile.mkdtemp(prefix="finops-spark-"))
    if settings.local:
        # Tasks that run Python run this one.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = SparkConf(loadDefaults=False).setAll(list(settings.conf(str(folder)).items()))
    log = folder / "spark.log"
    try:
        with log.open("wb") as out:
            start: Any = launch_gateway
            gateway = start(conf, {"stdout": out, "stderr": out})
        context: Any = SparkContext(conf=conf, gateway=gateway)
    except Exception as error:
        told = log.read_text("utf-8", "replace")[-_TOLD:].strip() if log.exists() else ""
        shutil.rmtree(folder, ignore_errors=True)
        raise UsageError(
            f"Spark does not start ({settings.where}): {_first_line(error)}\n{told}".rstrip()
        ) from error
    _started[:] = [settings]
    atexit.register(_stop, context, folder)
    return context


def _stop(context: Any, folder: Path) -> None:
    """Stop Spark with the process, and remove what it spilled."""
    try:
        context.stop()
    finally:
        _started.clear()
        shutil.rmtree(folder, ignore_errors=True)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
