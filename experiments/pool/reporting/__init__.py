"""Tables of measurements over a pool turned into statistics, figures and a page."""
