"""What many messages say together: rates, phrases, aspects, topics, alerts, reports."""
