"""Facts: what the evidence about one change tells, by rules without any input but that evidence."""
