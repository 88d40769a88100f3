"""Settings: registered parts, their JSON, schedules, keyed randomness, devices, policies for non-finite values."""
