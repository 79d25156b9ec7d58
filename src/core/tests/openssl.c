/* What OpenSSL reads in certificates and says of names: a line of answer for each line of input.
 *
 *   C DER       a certificate: "serial not_before not_after key subject issuer names", or "refused"
 *   N DER DER   two names: "equal", "different", or "refused"
 *
 * DER is in hexadecimal digits. A date is in seconds since 1970, after a "~" if
 * it has a form that no verifier takes, or "bad". A name is a list of SET:OID:TEXT with the
 * text's UTF-8 in digits, or "!" where OpenSSL makes no text of it. Alternative names are a list of KIND:CONTENT, or
 * "none", "twice", "bad". Empty lists are "-".
 *
 * The library is loaded at run time and declared here, since the command `openssl` brings it along and its headers are
 * not everywhere. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *library;

static void *symbol(const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "no %s in libcrypto\n", name);
        exit(2);
    }
    return found;
}

#define CALL(result, name, ...) ((result(*)(__VA_ARGS__))symbol(#name))

static void print_hex(const unsigned char *bytes, long length) {
    for (long i = 0; i < length; i++) printf("%02x", bytes[i]);
}

static void print_time(const void *moment) {
    struct tm tm;
    time_t now = time(NULL);
    if (CALL(int, ASN1_TIME_to_tm, const void *, struct tm *)(moment, &tm) != 1) {
        printf(" bad");
        return;
    }
    int is_taken = CALL(int, X509_cmp_time, const void *, time_t *)(moment, &now) != 0;
    printf(is_taken ? " %lld" : " ~%lld", (long long)timegm(&tm));
}

static void print_name(const void *name) {
    int count = CALL(int, X509_NAME_entry_count, const void *)(name);
    printf(count ? " " : " -");
    for (int i = 0; i < count; i++) {
        const void *entry = CALL(const void *, X509_NAME_get_entry, const void *, int)(name, i);
        const void *oid = CALL(const void *, X509_NAME_ENTRY_get_object, const void *)(entry);
        const void *value = CALL(const void *, X509_NAME_ENTRY_get_data, const void *)(entry);
        char text[1024];
        unsigned char *utf8 = NULL;
        CALL(int, OBJ_obj2txt, char *, int, const void *, int)(text, sizeof text, oid, 1);
        int length = CALL(int, ASN1_STRING_to_UTF8, unsigned char **, const void *)(&utf8, value);
        printf("%s%d:%s:", i ? "," : "", CALL(int, X509_NAME_ENTRY_set, const void *)(entry), text);
        if (length < 0) printf("!"); else print_hex(utf8, length);
        free(utf8);
    }
}

static void print_alternative_names(void *certificate) {
    enum { SUBJECT_ALT_NAME = 85 };
    int critical;
    void *names = CALL(void *, X509_get_ext_d2i, void *, int, int *, int *)(certificate, SUBJECT_ALT_NAME, &critical, NULL);
    if (!names) {
        printf(critical == -1 ? " none" : critical == -2 ? " twice" : " bad");
        return;
    }
    int count = CALL(int, OPENSSL_sk_num, const void *)(names);
    printf(count ? " " : " -");
    for (int i = 0; i < count; i++) {
        int kind;
        const void *name = CALL(const void *, OPENSSL_sk_value, const void *, int)(names, i);
        const void *value = CALL(const void *, GENERAL_NAME_get0_value, const void *, int *)(name, &kind);
        printf("%s%d:", i ? "," : "", kind);
        if (kind == 1 || kind == 2 || kind == 6)
            print_hex(CALL(const unsigned char *, ASN1_STRING_get0_data, const void *)(value),
                      CALL(int, ASN1_STRING_length, const void *)(value));
    }
    CALL(void, GENERAL_NAMES_free, void *)(names);
}

static void certificate(const unsigned char *der, long length) {
    const unsigned char *end = der;
    void *certificate = CALL(void *, d2i_X509, void **, const unsigned char **, long)(NULL, &end, length);
    if (!certificate || end != der + length) {
        printf("refused");
    } else {
        void *serial = CALL(void *, X509_get0_serialNumber, const void *)(certificate);
        void *number = CALL(void *, ASN1_INTEGER_to_BN, const void *, void *)(serial, NULL);
        char *digits = CALL(char *, BN_bn2hex, const void *)(number);
        unsigned char *key = NULL;
        printf("%s", digits);
        free(digits);
        CALL(void, BN_free, void *)(number);
        print_time(CALL(void *, X509_get0_notBefore, const void *)(certificate));
        print_time(CALL(void *, X509_get0_notAfter, const void *)(certificate));
        long size = CALL(int, i2d_X509_PUBKEY, const void *, unsigned char **)(
            CALL(void *, X509_get_X509_PUBKEY, const void *)(certificate), &key);
        printf(" ");
        print_hex(key, size);
        free(key);
        print_name(CALL(void *, X509_get_subject_name, const void *)(certificate));
        print_name(CALL(void *, X509_get_issuer_name, const void *)(certificate));
        print_alternative_names(certificate);
    }
    if (certificate) CALL(void, X509_free, void *)(certificate);
}

static void *name(const unsigned char *der, long length) {
    const unsigned char *end = der;
    void *name = CALL(void *, d2i_X509_NAME, void **, const unsigned char **, long)(NULL, &end, length);
    return end == der + length ? name : NULL;
}

static long bytes(char *digits) {
    long length = strlen(digits) / 2;
    for (long i = 0; i < length; i++) {
        char pair[3] = {digits[2 * i], digits[2 * i + 1], 0};
        digits[i] = (char)strtol(pair, NULL, 16);
    }
    return length;
}

int main(void) {
    const char *versions[] = {"libcrypto.so.3", "libcrypto.so.4", "libcrypto.so.1.1", "libcrypto.so"};
    for (size_t i = 0; !library && i < sizeof versions / sizeof *versions; i++) library = dlopen(versions[i], RTLD_NOW);
    if (!library) {
        fprintf(stderr, "no libcrypto: %s\n", dlerror());
        return 2;
    }
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        char *rest = line, *kind = strsep(&rest, " \n"), *first = strsep(&rest, " \n"), *second = strsep(&rest, " \n");
        long length = bytes(first);
        if (*kind == 'C') {
            certificate((unsigned char *)first, length);
        } else {
            long other = bytes(second);
            void *one = name((unsigned char *)first, length), *two = name((unsigned char *)second, other);
            if (!one || !two) printf("refused");
            else printf(CALL(int, X509_NAME_cmp, const void *, const void *)(one, two) ? "different" : "equal");
            if (one) CALL(void, X509_NAME_free, void *)(one);
            if (two) CALL(void, X509_NAME_free, void *)(two);
        }
        printf("\n");
        CALL(void, ERR_clear_error, void)();
    }
    free(line);
    return 0;
}
