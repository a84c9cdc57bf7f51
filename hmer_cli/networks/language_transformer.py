"""Transformer language model of labels.

Input: tokens with their places, and which of them each may see. Output: log-probabilities of the
token after each. Method: a causal Transformer (Vaswani et al., 2017) with tied embeddings (Press
and Wolf, EACL 2017). Labels that begin alike may share their tokens, as a tree of prefixes (tree
attention, Miao et al., *SpecInfer*, ASPLOS 2024): each node sees those before it in its label.
"""

from __future__ import annotations

from torch import Tensor, nn

from hmer_cli.networks.layers import Layer, mask_bias, sinusoid_of


class LanguageTransformer(nn.Module):
    """``tokens`` is the size of the vocabulary, ``c`` the width, ``depth`` the number of layers."""

    def __init__(self, tokens: int, c: int = 192, heads: int = 4, depth: int = 3) -> None:
        super().__init__()
        self.embed = nn.Embedding(tokens, c)
        self.dropout = nn.Dropout(0.1)
        self.layers = nn.ModuleList(Layer(c, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(c)
        nn.init.normal_(self.embed.weight, std=0.05)

    def forward(self, tokens: Tensor, places: Tensor, seen: Tensor) -> Tensor:
        """Tokens and places (B, N), seen (B or 1, N, N) -> log-probabilities (B, N, V).

        ``seen`` is true where the token of a row sees that of a column.
        """
        c = self.embed.embedding_dim
        x = self.dropout(self.embed(tokens) + 0.05 * sinusoid_of(places, c))
        bias = mask_bias(seen)[:, None]
        for layer in self.layers:
            x = layer(x, bias)
        logits: Tensor = self.norm(x) @ self.embed.weight.T
        return logits.float().log_softmax(dim=2)
