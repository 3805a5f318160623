"""The facility's end: opens records, keeps every entry once, tells each unit what it may delete."""
