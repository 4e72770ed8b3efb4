"""From voltages to temperatures, against the circuit calculated the other way round."""

import math
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.driver import DriverError
from drivers.hardware.thermistors import CURVES, Curve, value_at

INPUT_OHMS: Final = 16_800.0

# A 10 kohm thermistor whose coefficients are often printed beside it: 10 kohm at 25 °C, 32,650 ohm at 0 °C.
STEINHART_HART: Final = (1.129148e-3, 2.34125e-4, 8.76741e-8)
BETA: Final = (3950.0, 10_000.0)

TO_SUPPLY: Final = Curve(beta=BETA)
TO_SUPPLY_WITH_RESISTOR: Final = Curve(beta=BETA, resistor=10_000, supply=3.3)
TO_GROUND: Final = Curve(beta=BETA, resistor=4_700, thermistor="ground")


def ohms_at(celsius: float) -> float:
    beta_k, ohms_at_25_c = BETA
    return ohms_at_25_c * math.exp(beta_k * (1 / (celsius + 273.15) - 1 / 298.15))


def beside(ohms: float, other_ohms: float) -> float:
    return ohms * other_ohms / (ohms + other_ohms)


@given(celsius=st.floats(-40, 120))
def test_a_thermistor_between_supply_and_pin_has_the_board_below_it(celsius: float) -> None:
    volts = 5 * INPUT_OHMS / (INPUT_OHMS + ohms_at(celsius))
    assert value_at(TO_SUPPLY, volts, INPUT_OHMS) == pytest.approx(celsius, abs=1e-6)


@given(celsius=st.floats(-40, 120))
def test_a_resistor_to_ground_is_parallel_to_the_board(celsius: float) -> None:
    below = beside(INPUT_OHMS, 10_000)
    volts = 3.3 * below / (below + ohms_at(celsius))
    assert value_at(TO_SUPPLY_WITH_RESISTOR, volts, INPUT_OHMS) == pytest.approx(celsius, abs=1e-6)


@given(celsius=st.floats(-40, 120))
def test_a_thermistor_to_ground_is_parallel_to_the_board(celsius: float) -> None:
    below = beside(INPUT_OHMS, ohms_at(celsius))
    volts = 5 * below / (below + 4_700)
    assert value_at(TO_GROUND, volts, INPUT_OHMS) == pytest.approx(celsius, abs=1e-6)


@pytest.mark.parametrize(("ohms", "celsius"), [(10_000, 25.0), (32_650, 0.0), (3_603, 50.0)])
def test_the_equation_of_steinhart_and_hart(ohms: float, celsius: float) -> None:
    volts = 5 * INPUT_OHMS / (INPUT_OHMS + ohms)
    curve = Curve(steinhart_hart=STEINHART_HART)
    assert value_at(curve, volts, INPUT_OHMS) == pytest.approx(celsius, abs=0.05)


@pytest.mark.parametrize(
    ("of", "value"),
    [("volts", 1 + 2 * 4.2 + 3 * 4.2**2), ("kilohms", 1 + 2 * 3.2 + 3 * 3.2**2), ("ohms", 30_726_401.0)],
)
def test_a_polynomial_is_of_what_it_says(of: str, value: float) -> None:
    volts = 4.2  # 16.8 kohm below 3.2 kohm, at 5 V
    curve = Curve(polynomial=(1, 2, 3), of=of)  # type: ignore[arg-type] # one of its words
    assert value_at(curve, volts, INPUT_OHMS) == pytest.approx(value)


@pytest.mark.parametrize(("volts", "celsius"), [(2.5, 10.78876), (3.3, 29.611942809917345)])
def test_the_curve_of_the_original_has_a_name(volts: float, celsius: float) -> None:
    assert value_at(CURVES["phobya"], volts, INPUT_OHMS) == pytest.approx(celsius)


@pytest.mark.parametrize("volts", [-0.002, 0.0, 5.0, 5.02])
def test_a_wire_that_is_broken_or_touches_another_is_no_temperature(volts: float) -> None:
    with pytest.raises(DriverError, match="V is no voltage of a thermistor at 5 V; see its two wires"):
        value_at(TO_SUPPLY, volts, INPUT_OHMS)


@pytest.mark.parametrize(("curve", "open_v"), [(TO_SUPPLY, 0.001), (TO_GROUND, 5 * INPUT_OHMS / (INPUT_OHMS + 4_700))])
@pytest.mark.parametrize("noise_v", [0.0, 2.5e-3, 5e-3])
def test_a_thermistor_that_is_not_connected_is_no_temperature(curve: Curve, open_v: float, noise_v: float) -> None:
    with pytest.raises(DriverError, match="V is the voltage without a thermistor; see its two wires"):
        value_at(curve, open_v + noise_v, INPUT_OHMS)


@pytest.mark.parametrize(
    "curve",
    [
        Curve(polynomial=(1e308, 1e308, 1e308), of="volts"),
        Curve(polynomial=(0.0,) * 600 + (1.0,), of="ohms"),
        Curve(steinhart_hart=(0, 0, 0)),
    ],
    ids=["infinite", "overflow", "division by zero"],
)
def test_coefficients_that_lead_nowhere_are_an_error(curve: Curve) -> None:
    with pytest.raises(DriverError, match=r"the curve has no value at 2\.5 V; see its coefficients"):
        value_at(curve, 2.5, INPUT_OHMS)
