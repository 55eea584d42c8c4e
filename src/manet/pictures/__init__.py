"""Pictures of scenes and maps: coloured, and laid out with titles, a legend and a scale bar."""
