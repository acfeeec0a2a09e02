import torch
from torch import Tensor

from training.data.augmentation import GENTLE_VIEWS, draw_views


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ramp(count: int, size: int = 32) -> Tensor:
    """Pictures that grow brighter from left to right, (count, size, size, 3) uint8."""
    row = torch.linspace(60, 180, size).to(torch.uint8)
    return row[None, None, :, None].expand(count, size, size, 3).contiguous()


def test_views_have_the_shape_and_range_of_pictures() -> None:
    pictures = torch.randint(0, 256, (8, 20, 20, 3), dtype=torch.uint8, generator=generator())
    shown = draw_views(pictures, generator())
    assert shown.shape == pictures.shape
    assert shown.dtype == torch.float32
    assert 0 <= shown.min() <= shown.max() <= 255


def test_the_same_state_gives_the_same_views_and_the_next_gives_others() -> None:
    random = generator()
    first, second = draw_views(ramp(4), random), draw_views(ramp(4), random)
    assert torch.equal(first, draw_views(ramp(4), generator()))
    assert not torch.equal(first, second)


def test_each_picture_of_a_batch_is_shown_in_its_own_way() -> None:
    shown = draw_views(ramp(6), generator())
    assert len({picture.numpy().tobytes() for picture in shown}) == 6


def test_about_half_the_views_are_mirrored_and_none_stands_on_its_head() -> None:
    shown = draw_views(ramp(400), generator())
    mirrored = (shown[:, :, 0].mean((1, 2)) > shown[:, :, -1].mean((1, 2))).float().mean()
    assert 0.4 < mirrored < 0.6
    upright = ramp(50).transpose(1, 2).contiguous()
    shown = draw_views(upright, generator())
    assert (shown[:, 0].mean((1, 2)) < shown[:, -1].mean((1, 2))).all()


def test_what_comes_in_from_outside_repeats_the_border() -> None:
    plain = torch.full((50, 16, 16, 3), 100, dtype=torch.uint8)
    shown = draw_views(plain, generator())
    assert torch.allclose(shown, shown[:, :1, :1, :1].expand_as(shown), atol=1e-3)
    assert (shown - 100).abs().max() <= 100 * GENTLE_VIEWS.light + 1e-3
