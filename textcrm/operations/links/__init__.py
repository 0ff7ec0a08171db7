"""Which customer wrote a message: found, decided by people, made anew, taken back."""
