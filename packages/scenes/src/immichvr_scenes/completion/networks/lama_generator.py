"""The network of LaMa (lama.py): how its layers are put together and named."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

GLOBAL = 0.75
"""Share of a block's channels that go through the Fourier domain."""


class FourierUnit(nn.Module):  # type: ignore[misc]  # torch has no types here
    """A 1 × 1 convolution of the spectrum, real and imaginary parts as channels: every pixel sees all others."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_layer = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        spectrum = torch.fft.rfft2(x, norm="ortho")
        parts = torch.stack([spectrum.real, spectrum.imag], dim=2).reshape(count, 2 * channels, height, -1)
        parts = functional.relu(self.bn(self.conv_layer(parts))).reshape(count, channels, 2, height, -1)
        whole = torch.complex(parts[:, :, 0].contiguous(), parts[:, :, 1].contiguous())
        seen: Tensor = torch.fft.irfft2(whole, s=(height, width), norm="ortho")
        return seen


class SpectralTransform(nn.Module):  # type: ignore[misc]
    """A Fourier unit at half the channels, with a way around it."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        half = channels_out // 2
        self.conv1 = nn.Sequential(nn.Conv2d(channels_in, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU())
        self.fu = FourierUnit(half)
        self.conv2 = nn.Conv2d(half, channels_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        seen: Tensor = self.conv2(x + self.fu(x))
        return seen


class FourierConvolution(nn.Module):  # type: ignore[misc]
    """Convolutions between local and global channels; only from global to global through the Fourier domain."""

    def __init__(
        self, sizes_in: tuple[int, int], sizes_out: tuple[int, int], kernel: int, stride: int, pad: int
    ) -> None:
        super().__init__()

        def between(channels_in: int, channels_out: int) -> nn.Module | None:
            if not channels_in or not channels_out:
                return None
            return nn.Conv2d(channels_in, channels_out, kernel, stride, pad, bias=False, padding_mode="reflect")

        self.convl2l = between(sizes_in[0], sizes_out[0])
        self.convl2g = between(sizes_in[0], sizes_out[1])
        self.convg2l = between(sizes_in[1], sizes_out[0])
        self.convg2g = SpectralTransform(sizes_in[1], sizes_out[1]) if sizes_in[1] and sizes_out[1] else None

    def forward(self, near: Tensor, far: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return (
            _sum([(self.convl2l, near), (self.convg2l, far)]),
            _sum([(self.convl2g, near), (self.convg2g, far)]) if self.convl2g is not None else None,
        )


def _sum(parts: list[tuple[nn.Module | None, Tensor | None]]) -> Tensor:
    seen = [layer(x) for layer, x in parts if layer is not None and x is not None]
    total: Tensor = seen[0] if len(seen) == 1 else seen[0] + seen[1]
    return total


class Layer(nn.Module):  # type: ignore[misc]
    """Such a convolution, normalised and rectified, local and global channels each for themselves."""

    def __init__(
        self, sizes_in: tuple[int, int], sizes_out: tuple[int, int], kernel: int, stride: int = 1, pad: int = 1
    ) -> None:
        super().__init__()
        self.ffc = FourierConvolution(sizes_in, sizes_out, kernel, stride, pad)
        self.bn_l = nn.BatchNorm2d(sizes_out[0])
        self.bn_g = nn.BatchNorm2d(sizes_out[1]) if sizes_out[1] else None

    def forward(self, both: tuple[Tensor, Tensor | None]) -> tuple[Tensor, Tensor | None]:
        near, far = self.ffc(*both)
        near = functional.relu(self.bn_l(near))
        return near, None if self.bn_g is None else functional.relu(self.bn_g(far))


class Block(nn.Module):  # type: ignore[misc]
    """Two of them, and a way around."""

    def __init__(self, sizes: tuple[int, int]) -> None:
        super().__init__()
        self.conv1 = Layer(sizes, sizes, 3)
        self.conv2 = Layer(sizes, sizes, 3)

    def forward(self, both: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        near, far = self.conv2(self.conv1(both))
        return both[0] + near, both[1] + far


class Join(nn.Module):  # type: ignore[misc]
    """Local and global channels as one picture."""

    def forward(self, both: tuple[Tensor, Tensor]) -> Tensor:
        return torch.cat(both, dim=1)


class Generator(nn.Module):  # type: ignore[misc]
    """From known pixels and the mask, (n, 4, h, w), to the picture, (n, 3, h, w), 0 to 1; sides multiples of 8."""

    def __init__(self, channels: int = 64, halvings: int = 3, blocks: int = 18) -> None:
        super().__init__()
        deepest = channels * 2**halvings
        far = int(deepest * GLOBAL)
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), Layer((4, 0), (channels, 0), 7, pad=0)]
        for number in range(halvings):
            now, then = channels * 2**number, channels * 2 ** (number + 1)
            sizes = (then - far, far) if number == halvings - 1 else (then, 0)
            layers.append(Layer((now, 0), sizes, 3, stride=2))
        layers += [Block((deepest - far, far)) for _ in range(blocks)]
        self.joint = len(layers)
        layers.append(Join())
        for number in reversed(range(halvings)):
            now, then = channels * 2 ** (number + 1), channels * 2**number
            grow = nn.ConvTranspose2d(now, then, 3, stride=2, padding=1, output_padding=1)
            layers += [grow, nn.BatchNorm2d(then), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(channels, 3, 7), nn.Sigmoid()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        pad, start, *halve = self.model[: self.joint]
        both: tuple[Tensor, Tensor | None] = start((pad(x), None))
        for layer in halve:
            both = layer(both)
        y: Tensor = self.model[self.joint](both)
        for layer in self.model[self.joint + 1 :]:
            y = layer(y)
        return y
