"""Speech while it is spoken: what is heard so far, how late it is shown, and a page that shows it."""
