"""Pages: self-contained HTML files without scripts and requests; light and dark, on paper and on a phone."""
