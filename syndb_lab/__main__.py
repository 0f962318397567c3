"""``python -m syndb_lab`` is ``syndb-lab``."""

from syndb_lab.cli.main import main

main(prog_name="syndb-lab")
