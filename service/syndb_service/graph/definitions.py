"""Definitions of the measures of an answer, with their sources, one line each."""

from __future__ import annotations

GRAPH = (
    "Directed graph: every neuron of the dataset that the filters leave in is a node, isolated ones "
    "included; a connection is all synapses from one neuron to another, of at least min_synapses; a gap "
    "junction is a connection each way, of as many synapses as its weight says, rounded and at least 1, the "
    "larger one where both ways have one; self-connections are counted in dropped and left out."
)

SIZE = {
    "neuron_count": "Neurons of the graph.",
    "connection_count": "Ordered pairs of distinct neurons joined by at least min_synapses synapses.",
    "synapse_count": "Synapses in these connections.",
    "dropped": "What the dataset has and the graph has not, each connection under the first reason that "
    "holds.",
}
METRICS = {
    "density": "Connections divided by n (n - 1), the number that could exist; null below two neurons, "
    "where none could (NetworkX says 0).",
    "reciprocity": "Share of connections that are returned (Garlaschelli & Loffredo 2004, "
    "doi:10.1103/PhysRevLett.93.268701, uncorrected).",
    "in_degree": "Distinct presynaptic partners of a neuron.",
    "out_degree": "Distinct postsynaptic partners of a neuron.",
    "in_strength": "Synapses that a neuron receives over its connections.",
    "out_strength": "Synapses that a neuron makes over its connections.",
    "weakly_connected_components": "Sets of neurons joined by paths that ignore direction.",
    "strongly_connected_components": "Sets of neurons that reach each other along directed paths. Where "
    "several are largest, the one with the smallest neuron id is meant.",
    "mean_clustering_coefficient": "Mean over all neurons of the share of possible directed triangles that "
    "exist, 0 where none is possible (Fagiolo 2007, doi:10.1103/PhysRevE.76.026107).",
    "mean_clustering_coefficient_undirected": "The same without direction: share of pairs of partners that "
    "are connected (Watts & Strogatz 1998, doi:10.1038/30918).",
    "mean_shortest_path": "Mean number of hops over ordered pairs of distinct neurons in the largest "
    "strongly connected component, along directed connections, unweighted; sampled where paths.exact is "
    "false, with a paths.standard_error that covers neurons which were not drawn (two values at either bound "
    "added: Agresti & Coull 1998, doi:10.1080/00031305.1998.10480550).",
    "diameter": "Longest of these shortest paths; a lower bound where paths.exact is false.",
}
MOTIFS = {
    "triadic_census": "Triples of neurons by isomorphism class of their connections (Holland & Leinhardt "
    "1970, doi:10.1086/224954); exact.",
}
HUBS = {
    "hubs": "Neurons of highest total degree (in plus out partners), ties by id (Towlson et al. 2013, "
    "doi:10.1523/JNEUROSCI.3784-12.2013); as many as top_hubs asks for.",
    "strongest_subnetwork": "The neurons of highest total degree (up to 10, whatever top_hubs is), those "
    "most strongly connected to them, and the strongest connections among these; chosen for drawing. "
    "is_hub is true for the neurons listed in hubs.",
}
REACHABILITY = {
    "reachability": "Fraction of the other neurons that the source, or a neuron on average, reaches within "
    "k directed hops, at most max_hops (100). Sampled with the seed where exact is false: then interval is "
    "the 95 % score interval of each fraction (Wilson 1927, doi:10.1080/01621459.1927.10502953, with "
    "finite-population correction), standard_error that of the last one with two sources that reach nothing "
    "and two that reach all added (Agresti & Coull 1998, doi:10.1080/00031305.1998.10480550), and complete "
    "is false, since a neuron that was not drawn may reach further.",
}
COMMUNITIES = {
    "communities": "Leiden algorithm (Traag, Waltman & van Eck 2019, doi:10.1038/s41598-019-41695-z) for "
    "weighted modularity (Newman 2004, doi:10.1103/PhysRevE.70.056131), direction ignored, weighted by "
    "synapses; a heuristic, by the seed. adjacency counts connections between groups of neurons sorted by "
    "community.",
    "agreement": "With a column of neurons, those without a value left out: adjusted Rand index (Hubert & "
    "Arabie 1985, doi:10.1007/BF01908075), normalised mutual information (by the mean of the entropies).",
}
RICH_CLUB = {
    "rich_club": "Share of possible connections that exist among neurons of a total degree above k "
    "(Colizza et al. 2006, doi:10.1038/nphys209), normalised by its mean over rewired graphs in which "
    "every neuron keeps its degrees (switches: Maslov & Sneppen 2002, doi:10.1126/science.1065103).",
}
SHORTEST_PATH = {
    "shortest_path": "Directed path of fewest hops, or with weight = synapses of the least sum of 1 / "
    "synapses (Dijkstra 1959, doi:10.1007/BF01386390); one of them where several are shortest.",
}
SIGNIFICANCE = {
    **MOTIFS,
    "motif_significance": "The census beside that of rewired graphs in which every neuron keeps its in- "
    "and out-degree, and with keep_reciprocity its number of mutual partners (Milo et al. 2002, "
    "doi:10.1126/science.298.5594.824): ratio of count to mean with its standard error, z-score, and a "
    "two-sided empirical p-value, never below 2 / (1 + samples) (North et al. 2002, doi:10.1086/341527).",
}
COMPARE = {
    "compare": "Profiles of two datasets, or of the connections of one by neurotransmitter or by brain "
    "structure (of the synapses; where that is unknown, of the presynaptic neuron); a part's neurons are "
    "those that its connections touch.",
    "motif_similarity": "Cosine of the angle between the counts of the 13 connected motifs; 1 is the same "
    "profile.",
    "degree_distance": "Largest gap between two distributions of total degree (Kolmogorov-Smirnov); 0 is "
    "the same.",
}
NEURON_TABLE = {
    "node_table": "GET …/result?part=neurons gives an Arrow table of one row a neuron, whose columns are: "
    "degree (connections, in and out), in_degree, out_degree (partners); strength, in_strength, "
    "out_strength (synapses); clustering "
    "(directed, Fagiolo 2007, doi:10.1103/PhysRevE.76.026107); pagerank (weighted by synapses, damping 0.85; "
    "Brin & Page 1998, doi:10.1016/S0169-7552(98)00110-X); community (Leiden, 0 the largest); core_number "
    "(by connections in and out together; Seidman 1983, doi:10.1016/0378-8733(83)90028-X); neurons_reached "
    "along directed paths of any length, and reachability, their share of all other neurons. Exact, but for "
    "pagerank (until all its changes add up to less than 1e-12) and community (a heuristic, by the seed).",
}
