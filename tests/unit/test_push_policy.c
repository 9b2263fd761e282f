/* Which URLs a policy lets in, and which addresses behind them: tables, most of them of what must not get past. */
#include "push/policy.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct push_policy *given_policy(const char *rules)
{
    struct push_policy *policy = NULL;
    struct err err = ERR_INIT;

    if (push_policy_parse(str_from(rules), &policy, &err) != 0) {
        fail_msg("rules '%s': %s", rules, err.log_text);
    }
    return policy;
}

static bool is_let_in(const struct push_policy *policy, const char *url)
{
    struct err err = ERR_INIT;
    int rc = push_url_check(policy, str_from(url), &err);

    assert_true(rc == 0 || (rc == -(int)ERR_PUSH_URL && err.client_text[0] != '\0'));
    return rc == 0;
}

static void expect_let_in(const char *rules, const char *url, bool expected)
{
    AUTO(push_policy) policy = given_policy(rules);

    if (is_let_in(policy, url) != expected) {
        fail_msg("rules '%s', URL '%s': expected %s", rules, url, expected ? "yes" : "no");
    }
}

static struct push_address address_of(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct push_address address;
    bool known;

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        known = push_address_of((const struct sockaddr *)&in, &address);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
        known = push_address_of((const struct sockaddr *)&in6, &address);
    }
    assert_true(known);
    return address;
}

/* The URL's host resolved to this address. */
static void expect_connects(const char *rules, const char *url, const char *address, bool expected)
{
    AUTO(push_policy) policy = given_policy(rules);
    struct push_address to = address_of(address);
    struct push_target target;

    assert_int_equal(push_target_parse(str_from(url), &target, NULL), 0);
    if (push_policy_allows(policy, &target, &to) != expected) {
        fail_msg("rules '%s', URL '%s' at %s: expected %s", rules, url, address,
                 expected ? "yes" : "no");
    }
}

/* ---- rules ---- */

static void well_formed_rules_are_read(void **state)
{
    static const char *const rules[] = {
        "",
        " ",
        ",",
        "example.com",
        "EXAMPLE.com.",
        "*.example.com",
        "*.example.com:8443",
        "a, b,c\td\n e",
        "localhost",
        "my_service",
        "xn--bcher-kva.example",
        "10.1.0.0/16",
        "10.1.2.3",
        "10.1.2.3:80",
        "10.1.0.0/16:80",
        "0.0.0.0/0",
        "[fd00::]/8",
        "[fd00::]/8:443",
        "[2001:db8::1]",
        "[2001:db8::1]:65535",
        "[::]/0",
        "loopback",
        "Loopback:9000",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        AUTO(push_policy) policy = given_policy(rules[i]);
        assert_non_null(policy);
    }
}

static void malformed_rules_are_refused(void **state)
{
    static const char *const rules[] = {
        "*",
        "*.",
        "*example.com",
        "a.*.com",
        "**.com",
        "*.10.0.0.1",
        "http://example.com",
        "example.com/",
        "example.com/8",
        "example..com",
        ".example.com",
        "user@example.com",
        "example.com:",
        "example.com:0",
        "example.com:65536",
        "example.com:http",
        "example.com:+80",
        "example.com:80:80",
        "loopback/8",
        "10.1.0.0/33",
        "10.1.0.0/",
        "10.1.0.0/x",
        "10.1.2.3/16",
        "10.1",
        "010.1.0.0/16",
        "0x0a.1.2.3",
        "167772161",
        "10.0.0.256",
        "fd00::/8",
        "[fd00::/8]",
        "[fd00::1]/8",
        "[fd00::]/129",
        "[fd00::",
        "fd00::]",
        "[10.0.0.1]",
        "[::ffff:10.0.0.0]/104",
        "[fe80::1%eth0]",
        "*.[::1]",
        "ex\xc3\xa4mple.com",
        "a\\b",
        "a b, c/",
        "[]",
        "[]:80",
        ":80",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        struct push_policy *policy = NULL;
        struct err err = ERR_INIT;

        if (push_policy_parse(str_from(rules[i]), &policy, &err) != -(int)ERR_USAGE) {
            fail_msg("rule '%s' was taken", rules[i]);
        }
        assert_null(policy);
    }
}

static void rules_are_bounded(void **state)
{
    struct push_policy *policy = NULL;
    struct buf rules = BUF_INIT;

    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        buf_printf(&rules, "host%u ", i);
    }
    assert_int_equal(push_policy_parse(buf_str(&rules), &policy, NULL), 0);
    push_policy_free(&policy);
    BUF_LIT(&rules, "one-more");
    assert_int_equal(push_policy_parse(buf_str(&rules), &policy, NULL), -(int)ERR_USAGE);
    buf_fini(&rules);
}

/* ---- URLs ---- */

static void rules_let_urls_in_by_name(void **state)
{
    static const struct {
        const char *rules, *url;
        bool expected;
    } rows[] = {
        {"example.com", "http://example.com/listener", true},
        {"example.com", "https://example.com", true},
        {"example.com", "HTTP://EXAMPLE.COM/", true},
        {"EXAMPLE.com", "http://example.com/", true},
        {"example.com.", "http://example.com/", true},
        {"example.com", "http://example.com./", true},
        {"example.com", "http://example.com?a=b@c", true},
        {"example.com", "http://example.com/a@b:c", true},
        {"example.com", "http://example.com#x", true},
        {"example.com", "http://example.com:8080/", true},
        {"example.com", "http://www.example.com/", false},
        {"example.com", "http://example.com.evil.org/", false},
        {"example.com", "http://notexample.com/", false},
        {"example.com", "http://example.co/", false},
        {"*.example.com", "http://www.example.com/", true},
        {"*.example.com", "http://a.b.EXAMPLE.com/", true},
        {"*.example.com", "http://example.com/", false},
        {"*.example.com", "http://notexample.com/", false},
        {"*.example.com", "http://www.example.com.evil.org/", false},
        {"*.example.com:80", "http://www.example.com/", true},
        {"*.example.com:80", "https://www.example.com/", false},
        {"example.com:443", "https://example.com/", true},
        {"example.com:443", "http://example.com/", false},
        {"example.com:443", "http://example.com:443/", true},
        {"example.com:443, example.com:80", "http://example.com/", true},
        {"10.1.0.0/16", "http://10.1.255.3/", true},
        {"10.1.0.0/16", "http://10.2.0.1/", false},
        {"10.1.0.0/16:81", "http://10.1.0.1/", false},
        {"10.1.0.0/16:81", "http://10.1.0.1:81/", true},
        {"10.128.0.0/9", "http://10.127.0.1/", false},
        {"10.128.0.0/9", "http://10.129.0.1/", true},
        {"10.1.0.0/16", "http://[::ffff:10.1.2.3]/", true},
        {"[fd00::]/8", "https://[fd12:3456::1]/", true},
        {"[fd00::]/8", "https://[fe12:3456::1]/", false},
        {"[fd00::]/8", "https://10.0.0.1/", false},
        {"[::]/0", "https://10.0.0.1/", false},
        {"0.0.0.0/0", "https://[2001:db8::1]/", false},
        {"0.0.0.0/0", "https://8.8.8.8/", true},
        /* Rules for addresses wait for what the name resolves to. */
        {"10.1.0.0/16", "http://somewhere.example/", true},
        {"loopback", "http://localhost/", true},
        {"loopback", "http://127.0.0.1:9000/", true},
        {"loopback", "http://127.9.9.9/", true},
        {"loopback", "http://[::1]/", true},
        {"loopback", "http://[::ffff:127.0.0.1]/", true},
        {"loopback", "http://10.0.0.1/", false},
        {"loopback", "http://0.0.0.0/", false},
        {"loopback", "http://[::]/", false},
        {"loopback:9000", "http://127.0.0.1/", false},
        /* An address is no name. */
        {"example.com", "http://93.184.216.34/", false},
        {"", "http://example.com/", false},
        {"", "http://10.0.0.1/", false},
        {" , ", "http://localhost/", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        expect_let_in(rows[i].rules, rows[i].url, rows[i].expected);
    }
}

/* Under a policy that has a rule for nearly everything: these fail for what they are. */
static void urls_of_two_meanings_are_refused(void **state)
{
    static const char *const urls[] = {
        /* other schemes, and none */
        "",
        "h",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "https:example.com",
        "http:/example.com",
        "http//example.com",
        " http://example.com/",
        "httpx://example.com/",
        "javascript:alert(1)",
        "http:\\\\example.com",
        "dict://example.com:11211/",
        "unix:///run/x",
        "http+unix://x/",
        "data:text/xml,x",
        /* no host */
        "http://",
        "https://",
        "http:///",
        "http:///example.com",
        "http://?",
        "http://#",
        "http://:80/",
        "http://./",
        "http://../",
        "http://.com/",
        "http://example..com/",
        "http://example.com../",
        /* users */
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "http://@example.com/",
        "http://:@example.com/",
        "http://example.com@127.0.0.1/",
        "http://example.com:80@127.0.0.1/",
        "http://127.0.0.1:80@example.com/",
        "http://example.com%40127.0.0.1/",
        "http://user@example.com:80@127.0.0.1/",
        "http://example.com;@127.0.0.1/",
        /* characters that readers differ about */
        "http://example.com\\@127.0.0.1/",
        "http://127.0.0.1\\.example.com/",
        "http://example.com\\.evil.org/",
        "http://exa mple.com/",
        "http://example.com /",
        "http://example.com/a b",
        "http://example.com/\t",
        "http://example.com/\r\nHost: x",
        "http://example.com\r\n/",
        "http://exam\nple.com/",
        "http://example.com/\x01",
        "http://example.com/\x7f",
        "http://example.com/\xc3\xa4",
        "http://ex\xc3\xa4mple.com/",
        ("http://example\xe3\x80\x82"
         "com/"),
        "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/",
        "http://example.com%00.evil.org/",
        "http://example%2ecom/",
        "http://%31%32%37.0.0.1/",
        "http://example.com/<x>",
        "http://example.com/\"",
        "http://{example.com}/",
        "http://example,com/",
        "http://exam*ple.com/",
        "http://*.example.com/",
        "http://$(id)/",
        /* ports */
        "http://example.com:/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:99999999999999999999/",
        "http://example.com:80:80/",
        "http://example.com:+80/",
        "http://example.com:-1/",
        "http://example.com:8 0/",
        "http://example.com:0x50/",
        "http://example.com:80a/",
        "http://example.com:000080/",
        /* numbers that C libraries take for addresses */
        "http://127.1/",
        "http://127.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0x7f.0.0.1/",
        "http://0X7F.0.0.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://127.0.0.01/",
        "http://127.0.0.0x1/",
        "http://127.0.0.1./",
        "http://0/",
        "http://0x/",
        "http://0x.0x/",
        "http://00.0.0.0/",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://127.0.0.256/",
        "http://4294967295/",
        "http://example.127/",
        "http://10.0.0.1.0x7f/",
        "http://999/",
        "http://1.2.3./",
        /* brackets */
        "http://::1/",
        "http://[::1/",
        "http://::1]/",
        "http://[]/",
        "http://[[::1]]/",
        "http://[127.0.0.1]/",
        "http://[example.com]/",
        "http://[::1]x/",
        "http://x[::1]/",
        "http://[::1]:/",
        "http://[::1].example.com/",
        "http://[fe80::1%eth0]/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://[::ffff:127.1]/",
        "http://[::1]80/",
        "http://[0:0:0:0:0:0:0:0:1]/",
        "http://[::1%00]/",
    };
    AUTO(push_policy)
    policy = given_policy(
        "example.com *.example.com *.com *.org loopback 0.0.0.0/0 0.0.0.0/8 10.0.0.0/8 [::]/0");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        if (is_let_in(policy, urls[i])) {
            fail_msg("URL '%s' was let in", urls[i]);
        }
    }
    assert_int_equal(push_url_check(policy, STR("http://example.com\0.evil.org/"), NULL),
                     -(int)ERR_PUSH_URL);
    assert_int_equal(push_url_check(policy, STR_NULL, NULL), -(int)ERR_PUSH_URL);
}

static void lengths_are_bounded(void **state)
{
    AUTO(push_policy) policy = given_policy("loopback");
    struct buf url = BUF_INIT;

    (void)state;
    BUF_LIT(&url, "http://localhost/");
    while (url.n < 2082) {
        buf_add_char(&url, 'a');
    }
    assert_int_equal(push_url_check(policy, buf_str(&url), NULL), 0);
    buf_add_char(&url, 'a');
    assert_int_equal(push_url_check(policy, buf_str(&url), NULL), -(int)ERR_PUSH_URL);
    buf_clear(&url);
    BUF_LIT(&url, "http://");
    for (int i = 0; i < 63; i++) {
        buf_add_char(&url, 'a');
    }
    assert_int_equal(push_url_check(policy, buf_str(&url), NULL), 0);
    buf_add_char(&url, 'a');
    assert_int_equal(push_url_check(policy, buf_str(&url), NULL), -(int)ERR_PUSH_URL);
    buf_clear(&url);
    BUF_LIT(&url, "http://x");
    for (int i = 0; i < 127; i++) {
        BUF_LIT(&url, ".a");
    }
    assert_int_equal(push_url_check(policy, buf_str(&url), NULL), -(int)ERR_PUSH_URL);
    buf_fini(&url);
}

/* ---- addresses ---- */

/* What is refused to a name, to any network that is wider, and allowed to a rule of its own. */
static void special_addresses_need_their_own_rule(void **state)
{
    static const struct {
        const char *address, *own, *wider;
    } rows[] = {
        {"127.0.0.1", "127.0.0.0/8", "0.0.0.0/0"},
        {"127.255.255.254", "127.255.255.254", "126.0.0.0/7"},
        {"0.0.0.0", "0.0.0.0", "0.0.0.0/7"},
        {"0.1.2.3", "0.0.0.0/8", "0.0.0.0/1"},
        {"169.254.169.254", "169.254.0.0/16", "169.254.0.0/15"},
        {"224.0.0.1", "224.0.0.0/4", "192.0.0.0/2"},
        {"239.1.2.3", "224.0.0.0/3", "128.0.0.0/1"},
        {"255.255.255.255", "255.255.255.255", "0.0.0.0/0"},
        {"::", "[::]", "[::]/0"},
        {"::1", "[::1]", "[::]/8"},
        {"::127.0.0.1", "[::7f00:1]", "[::]/64"},
        {"fe80::1", "[fe80::]/10", "[fe00::]/8"},
        {"febf::1", "[fe80::]/10", "[fe80::]/9"},
        {"ff02::1", "[ff00::]/8", "[fe00::]/7"},
        {"64:ff9b::7f00:1", "[64:ff9b::7f00:1]", "[64:ff9b::]/96"},
        {"64:ff9b::1", "[64:ff9b::1]", "[64:ff9b::]/96"},
        {"64:ff9b::a9fe:a9fe", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::]/96"},
        {"64:ff9b::ffff:ffff", "[64:ff9b::ffff:ffff]", "[64:ff9b::]/96"},
        {"64:ff9b:1::1", "[64:ff9b:1::]/48", "[64:ff9b::]/32"},
        {"2002:7f00:1::1", "[2002:7f00:1::]/48", "[2002::]/16"},
        {"2002:1::1", "[2002:1::]/32", "[2002::]/16"},
        {"2002:a9fe:a9fe::1", "[2002:a9fe::]/32", "[2002::]/16"},
        {"2002:e000:1::", "[2002:e000::]/20", "[2002::]/16"},
        {"::ffff:127.0.0.1", "127.0.0.1", "[::]/0"},
        {"::ffff:169.254.169.254", "169.254.169.254", "0.0.0.0/0"},
        {"::ffff:0.0.0.0", "0.0.0.0", "[::]/64"},
    };
    const char *url = "http://example.com/";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        expect_connects("example.com *.com", url, rows[i].address, false);
        expect_connects(rows[i].wider, url, rows[i].address, false);
        expect_connects(rows[i].own, url, rows[i].address, true);
        expect_connects("", url, rows[i].address, false);
    }
}

static void loopback_means_no_more_than_loopback(void **state)
{
    static const struct {
        const char *address;
        bool expected;
    } rows[] = {
        {"127.0.0.1", true},
        {"127.8.8.8", true},
        {"::1", true},
        {"::ffff:127.0.0.1", true},
        {"0.0.0.0", false},
        {"::", false},
        {"::2", false},
        {"::127.0.0.1", false},
        {"128.0.0.1", false},
        {"10.0.0.1", false},
        {"fe80::1", false},
        {"169.254.1.1", false},
        {"64:ff9b::7f00:1", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        expect_connects("loopback", "http://localhost/", rows[i].address, rows[i].expected);
        expect_connects("loopback:81", "http://localhost/", rows[i].address, false);
    }
}

static void names_lead_to_public_and_private_addresses(void **state)
{
    static const char *const addresses[] = {
        "93.184.216.34", "10.0.0.1",        "172.16.0.1",         "192.168.1.1",
        "1.0.0.1",       "126.255.0.1",     "128.0.0.1",          "169.253.0.1",
        "169.255.0.1",   "223.255.255.1",   "2001:db8::1",        "fd00::1",
        "fec0::1",       "::ffff:10.0.0.1", "64:ff9b::5db8:d822", "2002:5db8:d822::1",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        expect_connects("example.com", "http://example.com/", addresses[i], true);
        expect_connects("example.com", "http://example.org/", addresses[i], false);
        expect_connects("example.com:81", "http://example.com/", addresses[i], false);
        expect_connects("*.example.com", "http://a.example.com/", addresses[i], true);
    }
}

static void other_families_are_no_targets(void **state)
{
    struct sockaddr local = {.sa_family = AF_UNIX};
    struct push_address address;

    (void)state;
    assert_false(push_address_of(&local, &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_rules_are_read),
        cmocka_unit_test(malformed_rules_are_refused),
        cmocka_unit_test(rules_are_bounded),
        cmocka_unit_test(rules_let_urls_in_by_name),
        cmocka_unit_test(urls_of_two_meanings_are_refused),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(special_addresses_need_their_own_rule),
        cmocka_unit_test(loopback_means_no_more_than_loopback),
        cmocka_unit_test(names_lead_to_public_and_private_addresses),
        cmocka_unit_test(other_families_are_no_targets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
