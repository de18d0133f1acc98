"""What keeps a gateway well: room on disks, clocks, readiness, messages that were set aside."""
