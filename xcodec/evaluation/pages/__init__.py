"""Tables, plots and HTML pages of records."""
