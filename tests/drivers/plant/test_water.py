"""The physics of the water circuit, against formulas that stand nowhere in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.plant.water import Inputs, WaterCircuit, radiator_w_per_k

USUAL = Inputs(mad_w=770, aqua_w=556, mad_lpm=5.2, aqua_lpm=4.1, fan_percent=25, air_c=19)

inputs = st.builds(
    Inputs,
    mad_w=st.floats(0, 900),
    aqua_w=st.floats(0, 650),
    mad_lpm=st.floats(0, 6),
    aqua_lpm=st.floats(0, 5),
    fan_percent=st.floats(0, 100),
    air_c=st.floats(-10, 35),
)


def settled(inputs: Inputs) -> WaterCircuit:
    water = WaterCircuit.at(25)
    for _ in range(4000):
        water.advance(1, inputs)
    return water


@given(st.lists(inputs, min_size=1, max_size=40), st.floats(0, 60), st.floats(0.05, 1))
def test_no_heat_is_made_and_none_is_lost(hours: list[Inputs], start_c: float, tick_s: float) -> None:
    water = WaterCircuit.at(start_c)
    before_j = water.heat_j()
    balance_j = 0.0
    for now in hours:
        balance_j += (now.mad_w + now.aqua_w) * tick_s - water.advance(tick_s, now)
    assert water.heat_j() - before_j == pytest.approx(balance_j, abs=1e-3)


def test_in_the_end_the_radiator_gives_what_the_computers_make() -> None:
    water = settled(USUAL)
    power_w = USUAL.mad_w + USUAL.aqua_w
    assert water.advance(1, USUAL) == pytest.approx(power_w)
    conductance = radiator_w_per_k(25, 5.2 + 4.1)
    assert water.radiator_c == pytest.approx(19 + power_w / conductance)


def test_in_the_end_each_computer_warms_its_water_by_its_power_over_its_flow() -> None:
    water = settled(USUAL)
    assert water.manifold_c == pytest.approx(water.radiator_c)
    assert water.mad_c - water.manifold_c == pytest.approx(770 / (4186 * 5.2 / 60))
    assert water.aqua_c - water.manifold_c == pytest.approx(556 / (4186 * 4.1 / 60))
    assert water.mixed_c - water.manifold_c == pytest.approx((770 + 556) / (4186 * (5.2 + 4.1) / 60))


def test_water_without_computers_takes_the_temperature_of_the_air() -> None:
    water = settled(USUAL._replace(mad_w=0, aqua_w=0))
    assert water.manifold_c == pytest.approx(19)
    assert water.mad_c == pytest.approx(19)


def test_a_block_without_flow_warms_up_by_itself() -> None:
    water = WaterCircuit.at(30)
    water.advance(1, USUAL._replace(aqua_lpm=0))
    assert water.aqua_c == pytest.approx(30 + 556 / (4186 * 0.35))


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0.1, 12))
def test_a_faster_fan_never_cools_less(slow: float, fast: float, flow_lpm: float) -> None:
    slow, fast = sorted((slow, fast))
    assert radiator_w_per_k(slow, flow_lpm) <= radiator_w_per_k(fast, flow_lpm)


@given(st.floats(0, 100), st.floats(0, 12), st.floats(0, 12))
def test_more_water_never_cools_less(fan: float, little: float, much: float) -> None:
    little, much = sorted((little, much))
    assert radiator_w_per_k(fan, little) <= radiator_w_per_k(fan, much) * (1 + 1e-12)


def test_a_radiator_without_flow_cools_nothing() -> None:
    assert radiator_w_per_k(100, 0) == 0


@pytest.mark.parametrize("tick_s", [0.1, 0.25, 0.5])
def test_the_length_of_the_tick_hardly_matters(tick_s: float) -> None:
    coarse, fine = WaterCircuit.at(33), WaterCircuit.at(33)
    hot = USUAL._replace(fan_percent=80)
    for _ in range(round(60 / tick_s)):
        coarse.advance(tick_s, hot)
    for _ in range(round(60 / 0.01)):
        fine.advance(0.01, hot)
    assert coarse.manifold_c == pytest.approx(fine.manifold_c, abs=0.1)
