"""The programs of the processes that are measured, and of those that measure."""
