"""The paper's tables and figures, measured here and printed there, and the authors' weights.

`complexity` counts and measures what modules and networks cost (Table VIII, Fig. 5); `comparison` trains and scores the
networks under one recipe (Tables I to VII, Fig. 6 to 8); `ablation` changes a recipe step by step; `speed` times manet
against the published formulation; `printed` holds the paper's figures as data.
"""
