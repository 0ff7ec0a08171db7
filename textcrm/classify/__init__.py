"""Classification: views, forests over their margins, calibration, refusal, reasons."""
