"""What an operator asks by hand, or a CronJob by itself: is everything there, keep a copy, put it back."""
