"""Networks that paint what pictures miss, by the keys of the model registry: a `Runtime` takes them like all others."""

from immichvr_inference import Network

from immichvr_scenes.completion.networks.lama import Lama
from immichvr_scenes.completion.networks.painting import InpaintNetwork, Job
from immichvr_scenes.completion.networks.stable_diffusion import StableDiffusion

LAMA = "lama"
DIFFUSION = "sd2-inpainting"
NETWORKS: dict[str, Network] = {LAMA: Lama(), DIFFUSION: StableDiffusion()}

__all__ = ["DIFFUSION", "LAMA", "NETWORKS", "InpaintNetwork", "Job"]
