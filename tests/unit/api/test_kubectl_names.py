from hyperdrive_operator.api.schema import custom_resource_definitions


def test_kubectl_get_hyperdrive_name_is_not_taken_for_a_category() -> None:
    """kubectl looks among categories before it looks among singular names."""
    taken: list[str] = []
    for definition in custom_resource_definitions():
        names = definition["spec"]["names"]
        taken += [names["plural"], names["singular"], *names["shortNames"]]
        assert not set(names.get("categories", ())) & set(taken)
    assert len(set(taken)) == len(taken)
