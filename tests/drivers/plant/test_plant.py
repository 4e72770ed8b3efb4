"""The simulated plant and what happens in it by itself."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.plant.incidents import DAMP, INCIDENTS, PUMP, SILENCE, Incident, Schedule
from drivers.plant.plant import FAN_RPM, PARTS, TICK_S, Plant
from protocol.readings import Value

BELIEVABLE = {
    ("mad", "value"): (1500, 1900),
    ("mad", "litres"): (4.5, 6),
    ("mad", "power"): (1, 1),
    ("mad", "mode"): (1, 1),
    ("aqua", "value"): (0, 1500),
    ("aqua", "litres"): (0, 4.6),
    ("aqua", "power"): (1, 1),
    ("aqua", "mode"): (1, 3),
    ("radiator", "value"): (25, 45),
    ("radiator", "out"): (22, 42),
    ("manifold", "value"): (22, 42),
    ("manifold", "mad"): (25, 45),
    ("manifold", "aqua"): (25, 55),
    ("air", "value"): (12, 26),
    ("air", "humidity"): (35, 85),
    ("room", "value"): (1, 1),
    ("room", "temperature"): (19, 24),
    ("room", "humidity"): (38, 80),
    ("power", "value"): (40, 80),
    ("power", "value_mean"): (40, 80),
    ("power", "value_energy"): (0, 2),
    ("power", "computers"): (900, 1750),
    ("power", "computers_mean"): (900, 1750),
    ("power", "computers_energy"): (0, 45),
    ("power", "total"): (1000, 1950),
    ("power", "total_mean"): (1000, 1950),
    ("power", "total_energy"): (0, 48),
    ("fan", "value"): (25, 25),
    ("fan", "rotations"): (0, FAN_RPM),
}


def measure(plant: Plant, part: str, channel: str = "value") -> float:
    value = PARTS[part][channel](plant)
    assert value is not None
    return value


def everything(plant: Plant) -> Iterator[tuple[tuple[str, str], Value | None]]:
    for part, channels in PARTS.items():
        for channel, quantity in channels.items():
            yield (part, channel), quantity(plant)


def after(seconds: float, seed: int = 1) -> Plant:
    plant = Plant(seed)
    plant.advance(seconds)
    return plant


def test_every_quantity_has_a_believable_range() -> None:
    assert BELIEVABLE.keys() == dict(everything(Plant())).keys()


def test_a_day_stays_in_the_believable_range() -> None:
    plant = Plant(seed=1)
    for _ in range(24 * 60):
        plant.advance(60)
        outside = [
            (where, value)
            for where, value in everything(plant)
            if isinstance(value, int | float) and not BELIEVABLE[where][0] <= value <= BELIEVABLE[where][1]
        ]
        assert outside == []


def test_a_day_makes_no_heat_and_loses_none() -> None:
    plant = Plant(seed=1)
    start_j = plant.water.heat_j() - plant.heat_in_j + plant.heat_out_j
    plant.advance(86_400)
    assert plant.water.heat_j() - start_j == pytest.approx(plant.heat_in_j - plant.heat_out_j, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_more_fan_cools_the_water_within_a_minute(seed: int) -> None:
    plant = after(200, seed)
    before_c = measure(plant, "manifold")
    plant.fan_percent = 80
    plant.advance(60)
    assert measure(plant, "manifold") <= before_c - 2


def test_less_fan_warms_it_again() -> None:
    plant = after(200)
    plant.fan_percent = 80
    plant.advance(600)
    cool_c = measure(plant, "manifold")
    plant.fan_percent = 25
    plant.advance(120)
    assert measure(plant, "manifold") >= cool_c + 2


@pytest.mark.parametrize("percent", [0, 100])
def test_the_water_stays_water_at_every_speed_of_the_fan(percent: float) -> None:
    plant = Plant()
    plant.fan_percent = percent
    plant.advance(3 * 3600)
    assert 19 < measure(plant, "manifold") < 75


def test_the_fan_takes_some_seconds_to_follow() -> None:
    plant = after(10)
    plant.fan_percent = 100
    plant.advance(1)
    assert FAN_RPM * 0.3 < measure(plant, "fan", "rotations") < FAN_RPM * 0.7
    plant.advance(20)
    assert measure(plant, "fan", "rotations") == FAN_RPM


def test_the_fan_needs_power_of_its_own() -> None:
    plant = after(10)
    before_w = measure(plant, "power")
    plant.fan_percent = 100
    plant.advance(20)
    assert measure(plant, "power") == pytest.approx(before_w + 24, abs=1)


def test_the_main_meter_sees_what_the_others_see_and_the_house() -> None:
    plant = after(100)
    house_w = measure(plant, "power", "total") - measure(plant, "power", "computers") - measure(plant, "power")
    assert house_w == pytest.approx(85, abs=0.2)


def test_energy_is_power_times_time() -> None:
    plant = after(3600)
    mean_w = measure(plant, "power", "total_energy") * 1000
    assert mean_w == pytest.approx(measure(plant, "power", "total_mean"), rel=0.1)


def test_energy_only_grows() -> None:
    plant = Plant()
    energies = []
    for _ in range(50):
        plant.advance(30)
        energies.append(plant.total.energy_kwh)
    assert energies == sorted(set(energies))


@given(st.lists(st.floats(0, 5), min_size=1, max_size=30))
def test_time_passes_in_the_same_way_however_it_is_cut(pieces: list[float]) -> None:
    cut, whole = Plant(seed=7), Plant(seed=7)
    for seconds in pieces:
        cut.advance(seconds)
    whole.advance(cut.elapsed_s)
    assert list(everything(cut)) == list(everything(whole))


def test_tenths_of_a_second_make_whole_seconds() -> None:
    cut, whole = Plant(), Plant()
    for _ in range(600):
        cut.advance(0.1)
    whole.advance(60)
    assert list(everything(cut)) == list(everything(whole))


def test_no_time_changes_nothing() -> None:
    plant = after(30)
    before = list(everything(plant))
    plant.advance(0)
    plant.advance(TICK_S / 3)
    assert list(everything(plant)) == before


def test_the_same_seed_gives_the_same_plant() -> None:
    assert list(everything(after(500, seed=3))) == list(everything(after(500, seed=3)))


def test_another_seed_gives_another_plant() -> None:
    assert list(everything(after(500, seed=3))) != list(everything(after(500, seed=4)))


def test_incidents_of_all_kinds_begin_within_two_minutes() -> None:
    names = {occurrence.name for occurrence in Schedule(seed=1).occurrences(until_s=120)}
    assert names == {incident.name for incident in INCIDENTS}


@pytest.mark.parametrize("incident", INCIDENTS)
def test_incidents_come_again(incident: Incident) -> None:
    times = [o for o in Schedule(seed=1).occurrences(until_s=3600) if o.name == incident.name]
    assert len(times) > 3600 / incident.every_s - 2
    assert all(later.start_s > earlier.end_s for earlier, later in pairwise(times))


@given(st.integers(), st.sampled_from(INCIDENTS), st.floats(0, 86_400))
def test_the_list_and_the_progress_tell_the_same(seed: int, incident: Incident, at_s: float) -> None:
    schedule = Schedule(seed)
    listed = [o for o in schedule.occurrences(at_s) if o.name == incident.name and o.start_s <= at_s < o.end_s]
    progress = schedule.progress(incident, at_s)
    if listed:
        assert progress == pytest.approx((at_s - listed[0].start_s) / incident.lasts_s)
    elif progress is not None:
        assert progress == pytest.approx(0) or progress == pytest.approx(1)


@pytest.mark.parametrize("incident", INCIDENTS)
def test_every_incident_is_described(incident: Incident) -> None:
    assert incident.name
    assert len(incident.what) > 20


def test_a_pump_stalls_and_recovers() -> None:
    plant = after(PUMP.first_s - 1)
    warm_c = measure(plant, "manifold", "aqua")
    assert measure(plant, "aqua", "mode") == 1
    plant.advance(PUMP.lasts_s)
    assert measure(plant, "aqua", "mode") == 3
    assert measure(plant, "aqua") == 0
    assert measure(plant, "manifold", "aqua") > warm_c + 3
    plant.advance(30)
    assert measure(plant, "aqua", "mode") == 1
    assert measure(plant, "aqua") > 1200
    assert measure(plant, "manifold", "aqua") == pytest.approx(warm_c, abs=1)


def test_the_sensor_of_the_air_falls_silent_and_speaks_again() -> None:
    plant = after(SILENCE.first_s - 1)
    assert PARTS["air"]["value"](plant) is not None
    plant.advance(2)
    assert [quantity(plant) for quantity in PARTS["air"].values()] == [None, None]
    plant.advance(SILENCE.lasts_s)
    assert PARTS["air"]["value"](plant) is not None


def test_the_room_gets_damp_and_dries() -> None:
    plant = after(DAMP.first_s - 1)
    assert measure(plant, "room", "humidity") < 50
    plant.advance(DAMP.lasts_s / 2)
    assert measure(plant, "room", "humidity") > 65
    plant.advance(DAMP.lasts_s / 2 + 2)
    assert measure(plant, "room", "humidity") < 50
