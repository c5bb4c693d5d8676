import Support
import Testing

struct RedactorTests {
    @Test func aProtectedValueIsReplacedWhereverItStands() {
        let redactor = Redactor()
        redactor.protect("s3cr3t-älpha")
        #expect(redactor.redact("password s3cr3t-älpha, twice: s3cr3t-älpha.") == "password ***, twice: ***.")
        #expect(redactor.redact("nothing here") == "nothing here")
    }

    @Test func theFormInAURLIsReplacedToo() {
        let redactor = Redactor()
        redactor.protect("p@ss:w/rd#%")
        #expect(redactor.redact("postgres://u:p%40ss%3Aw%2Frd%23%25@h/d") == "postgres://u:***@h/d")
    }

    @Test func aSecretWithinALongerOneLeavesNothingStanding() {
        let redactor = Redactor()
        redactor.protect("abcd")
        redactor.protect("xxabcdyy")
        #expect(redactor.redact("xxabcdyy abcd") == "*** ***")
    }

    @Test func shortValuesAreLeftAlone() {
        let redactor = Redactor()
        redactor.protect("abc")
        #expect(redactor.redact("abcabc") == "abcabc")
    }

    @Test func eachLineOfAKeyIsProtected() {
        let redactor = Redactor()
        redactor.protect("-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----")
        #expect(redactor.redact("bad key near MIIEvQIBADANBg") == "bad key near ***")
    }

    @Test(arguments: [
        "password", "PASSWORD", "db_password", "token", "access-token", "secret", "client_secret", "api_key", "apikey",
        "authorization", "connection_string", "account_key", "private_key", "sas_token", "privateKey",
    ])
    func namesOfSecretsAreKnown(_ key: String) { #expect(Redactor.isSecret(key: key)) }

    @Test(arguments: ["host", "username", "key", "tokens_per_second", "secretary", "primary_key", "database"])
    func otherNamesAreNot(_ key: String) { #expect(!Redactor.isSecret(key: key)) }

    @Test func jsonIsRedactedByNameAndByValue() {
        let redactor = Redactor()
        redactor.protect("hush-hush-17")
        let value: JSONText = [
            "host": "h", "password": "abc", "nested": ["private_key": "k", "note": "said hush-hush-17"],
            "list": ["hush-hush-17", 3], "token": nil,
        ]
        #expect(
            value.redacted(redactor).text()
                == #"{"host":"h","password":"***","nested":{"private_key":"***","note":"said ***"},"list":["***",3],"token":null}"#
        )
    }

    @Test func anErrorIsMadeWithoutSecrets() {
        Redactor.shared.protect("Zq7-unlikely-word")
        let error = SluiceError(.permission, "no entry with Zq7-unlikely-word", hint: "not Zq7-unlikely-word")
        #expect(error.message == "no entry with ***")
        #expect(error.hint == "not ***")
    }
}
