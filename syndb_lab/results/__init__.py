"""Result files on this computer: downloaded, checked, cached, and read as data frames.

The job's handle and everything above import it.
"""
