"""Result files on this computer: downloaded, verified, cached, and read as data frames.

The job's handle and everything above import it.
"""
