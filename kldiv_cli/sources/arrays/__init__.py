"""Arrays in files and in memory: mapped, strided, deflated, under names."""
