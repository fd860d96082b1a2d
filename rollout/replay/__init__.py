"""Many files, one history: lineage, model context, usage."""
