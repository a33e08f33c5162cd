"""Spark finds the format `airtable` here."""
