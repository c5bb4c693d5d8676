"""azure-keyvault-secrets against the emulator."""

import datetime

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient
from emulator import azure, azure_with  # noqa: F401


def client(azure, **options):
    return SecretClient(azure.https, azure.credential(), verify_challenge_resource=False, connection_verify=azure.ca,
                        **{"api_version": "7.6", **options})


@pytest.fixture(scope="module")
def vault(azure):
    return client(azure)


@pytest.mark.parametrize("version", ["7.4", "7.5", "7.6", "2025-07-01"])
def test_sets_and_gets(azure, version):
    vault = client(azure, api_version=version)
    made = vault.set_secret("db-password", f"påsswörd {version}", content_type="text/plain", tags={"team": "shop"})
    assert made.value == f"påsswörd {version}" and made.properties.version
    found = vault.get_secret("db-password")
    assert found.value == made.value and found.properties.version == made.properties.version
    assert found.properties.tags == {"team": "shop"} and found.properties.content_type == "text/plain"
    assert found.properties.enabled and found.properties.recoverable_days == 90
    assert vault.get_secret("DB-Password").value == made.value


def test_versions(vault):
    made = [vault.set_secret("versioned", f"v{number}") for number in range(3)]
    assert vault.get_secret("versioned").value == "v2"
    assert vault.get_secret("versioned", made[0].properties.version).value == "v0"
    listed = list(vault.list_properties_of_secret_versions("versioned"))
    assert {item.version for item in listed} == {item.properties.version for item in made}
    with pytest.raises(ResourceNotFoundError):
        vault.get_secret("versioned", "0" * 32)


def test_lists_all_pages(vault):
    names = {f"page-{number:03}" for number in range(60)}
    for name in names:
        vault.set_secret(name, "x")
    listed = [item.name for item in vault.list_properties_of_secrets(max_page_size=7)]
    assert names <= set(listed) and len(listed) == len(set(listed))
    pages = [len(list(page)) for page in vault.list_properties_of_secrets().by_page()]
    assert max(pages) == 25 and len(pages) >= 3


def test_attributes(vault):
    begins = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
    ends = begins + datetime.timedelta(days=1)
    vault.set_secret("dated", "x", not_before=begins, expires_on=ends)
    found = vault.get_secret("dated").properties
    assert found.not_before == begins and found.expires_on == ends
    vault.update_secret_properties("dated", enabled=False, tags={"a": "b"})
    with pytest.raises(HttpResponseError) as failure:
        vault.get_secret("dated")
    assert failure.value.status_code == 403 and "disabled secret" in str(failure.value)
    assert '"SecretDisabled"' in failure.value.response.text()
    vault.update_secret_properties("dated", enabled=True)
    assert vault.get_secret("dated").properties.tags == {"a": "b"}


def test_deletes_recovers_and_purges(vault):
    vault.set_secret("doomed", "one")
    vault.set_secret("doomed", "two")
    deleted = vault.begin_delete_secret("doomed").result()
    assert deleted.recovery_id and deleted.deleted_date
    with pytest.raises(ResourceNotFoundError):
        vault.get_secret("doomed")
    assert "doomed" not in [item.name for item in vault.list_properties_of_secrets()]
    assert "doomed" in [item.name for item in vault.list_deleted_secrets()]
    with pytest.raises(ResourceExistsError) as failure:
        vault.set_secret("doomed", "three")
    assert "ObjectIsDeletedButRecoverable" in failure.value.response.text()
    vault.begin_recover_deleted_secret("doomed").wait()
    assert vault.get_secret("doomed").value == "two"
    vault.begin_delete_secret("doomed").wait()
    vault.purge_deleted_secret("doomed")
    with pytest.raises(ResourceNotFoundError):
        vault.get_deleted_secret("doomed")
    vault.set_secret("doomed", "four")
    assert len(list(vault.list_properties_of_secret_versions("doomed"))) == 1


def test_says_no(vault):
    with pytest.raises(ResourceNotFoundError) as failure:
        vault.get_secret("no-such-secret")
    assert failure.value.error.code == "SecretNotFound"
    for name in ["under_score", "dot.dot", "x" * 128]:
        with pytest.raises(HttpResponseError) as failure:
            vault.set_secret(name, "x")
        assert failure.value.status_code == 400 and failure.value.error.code == "BadParameter"
    with pytest.raises(HttpResponseError):
        vault.set_secret("large", "x" * 30_000)


def test_survives_a_kill(azure_with):
    azure = azure_with()
    vault = client(azure)
    for number in range(10):
        vault.set_secret("kept", str(number))
    vault.begin_delete_secret("kept").wait()
    vault.set_secret("other", "x")
    azure.kill()
    azure.start()
    vault = client(azure)
    assert vault.get_secret("other").value == "x"
    vault.begin_recover_deleted_secret("kept").wait()
    assert vault.get_secret("kept").value == "9"
