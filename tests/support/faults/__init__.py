"""A cluster and an embedded service, the faults that strike them, and the check after each."""
