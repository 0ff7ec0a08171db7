"""How good a table of customers is: what is missing, far out, twice, wrongly written, impossible, or has drifted."""
