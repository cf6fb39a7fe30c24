"""Runs as DataFrames, files and plots."""
