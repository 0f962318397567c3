"""``python -m syndb_service`` is ``syndb-lab``."""

from syndb_service.cli.main import main

if __name__ == "__main__":
    main(prog_name="syndb-lab")
