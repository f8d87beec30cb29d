/**
 * PKCS #12 files that OpenSSL 3 wrote (`openssl pkcs12 -export`), in base64: a P-256 key and its certificate for the topic
 * `com.example.ec`, valid until 2126. They are kept here, because a machine that runs the tests may have no
 * `openssl`.
 */
export const keystores = {
  /** Encrypted with AES-256, as OpenSSL 3 does. */
  utf8: {
    password: 'pässwörd',
    keystore: [
      'MIIEXAIBAzCCBBIGCSqGSIb3DQEHAaCCBAMEggP/MIID+zCCArIGCSqGSIb3DQEHBqCCAqMwggKfAgEAMIICmAYJKoZIhvcNAQcBMFcGCSqGSI',
      'b3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAirz2T6KA5+CAICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEK9N+CTBkLUMpVx188GMEUeA',
      'ggIwyX/m+zNI5iAO/Nwmn7DUwbC6iOINkSlcRet/42odwc9BhL3+Y2sk3PqkF7mjsMb5dl7RZVWahKYGLxhb4je1TigzFyAqnmpbimwZfyV0b/',
      'JN/QXX3gDkZNrcl9MJ2QsQKXf8D+aNcUfuwMtnH2Ob+BvUB4vUmbrPZh/EfKyDe1GKgimXyUEpWC7BYq9t8i7/kc31i48MzfZDys1sfamCXWLl',
      'LzD9AF7WbBFNQVXBXSLAbMFd0T2GBZhAoG1zHtUGRGUZSEj4ziOgwjKCo3fErDYt4k7WBxS0mHKUIisYsG+SDoybhXZBAziu4pgwiy/xICCuMN',
      'qGQhtOaFZlEcTHt+QXI0mTBhIZt2IBee3v/yio8KlYqlcDexQuHa+1DvoVL5PEtV8GlRn4sgUOY7f0irmDni6OMwf/G24VqVZzOVEPtR5r7AQK',
      'zkPv5rqabAcvIPbq4EOuI3pGNhemrbTog9Q+6t7fD1QOem9EnsL1pab0C5fA+c0WBS8i1vDmrrxAVrgB9MccPYwxZDnfJHv/V2nAe/ncFAs0u2',
      'sJ24wPwjGn3FyyXgePs2qww7YNKRNj1celIc8FjrGwtfP799eYDvWy+ug7x+pNTuJ3jB1nD5WQcDGnsjMuxqe6iCazCjL3FggBwkKDcnUhLsun',
      'KRlv3rPPgHwOD78LNzY8zPp9XLLBG6XHO1JjcpSscdi528WC5dqk5JAK+CnG0/fMDLMC9+iPRIdCt2fDxWCjk6D4RQMwggFBBgkqhkiG9w0BBw',
      'GgggEyBIIBLjCCASowggEmBgsqhkiG9w0BDAoBAqCB7zCB7DBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQI/xiTNBiiQCcCAggAMAwG',
      'CCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBDOwbaKqrg100Go/Kxy0QndBIGQ0dCgYib7uFK1zB1im2QfGOZEmuqoeT1pzeMytaqNe8FV151pZf',
      'VHFGtF8byO9QtePClfd0hoP43IKfEjaIoK/8dfzHF68rFtmZaqEGrTTrK/Wy2dFe1zdwZg+Oqr3ZQIljWLnCQBdGWeBEa5oTILjgaMfFOm30Q9',
      'Vgv1XkMg0LZyMsSscIrhDc+zwne7HtKfMSUwIwYJKoZIhvcNAQkVMRYEFHUOiN4iIWu0K3QaRSTJKnyTUootMEEwMTANBglghkgBZQMEAgEFAA',
      'QgTP8raipbkWTFEGlaDlZGJbuuIgYHrXfClfs1LgF4EOcECFMPQUfqVln8AgIIAA==',
    ].join(''),
  },
  /** Encrypted with ARIA. */
  aria: {
    password: 'secret',
    keystore: [
      'MIIEXAIBAzCCBBIGCSqGSIb3DQEHAaCCBAMEggP/MIID+zCCArIGCSqGSIb3DQEHBqCCAqMwggKfAgEAMIICmAYJKoZIhvcNAQcBMFcGCSqGSI',
      'b3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiE04ILSMCo/AICCAAwDAYIKoZIhvcNAgkFADAdBgkqgxqMmm4BAQwEECqj1mkwjJafjkIiFmsvktOA',
      'ggIwgQ2NOZ1CkMvJoce3+ft1uUPHs3z42yqTdgQOzx0qEAt52iJqspBK5PoKQyHL8W0s/XMArCrXjQp+jiNm1TMlzV464shX2gl/MuCvNfSPKR',
      'VFpz9kdwuqoB8RvXLpbFLp4mKDSfoXeZNvi04s+IporxqNZmx8c/xt6HitV/nlVCyC+wb7DIiZ9fUqwFRvmzywhYDSWPFR6vU84hkBgg5QNske',
      'DAsIK46SshXca5qS8Nweq3Vkiysv0pR/X2w0qh+619+s6974h48tE6yuwfZIttUMVzxVZOzL/fLn/W40rk97+m071HwUh2doSu6y9aGQObXHxm',
      'rwGgutW6UQ9nR9/27/VMApzKq/9LjzznmPO9im97fbt5+/CYCO6eTAZQdA349zbxa8mtEkHWDB3c0OR5x7TB1TY/gH5WIl3MWiAu/yCDebS7+4',
      '7tgpw1J+yr5YzzXflRb5fK2oY8GkfuwWno6cmOpmZ0YwBHn+9uoo3QB6vqU9nt0l90zKmS1ZmZvlL6z6cnvZ4NSAvGujRK2oY1aSVyveVZMGY5',
      'BViIUfpkKfWxdphl6oWDvGUUMsUfzSJU2iW0AMg6C+gLsMx5IatwRZbR9lmh8d27q86oJA4313/xv6+MGCReqIhYNDxJ+LiKkLv6vdmNpvNxcy',
      'pRj8c8prU1k+VmqUYs7m4xUphOTI4qEXDbjlrOCe9w03NM4rXEvDZBD0bp2ZiMSj4FPQaOaNcDd5V/FNOJoVJ7GqJc0wggFBBgkqhkiG9w0BBw',
      'GgggEyBIIBLjCCASowggEmBgsqhkiG9w0BDAoBAqCB7zCB7DBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIALH2EsDfDdwCAggAMAwG',
      'CCqGSIb3DQIJBQAwHQYJKoMajJpuAQEMBBClNWEHfVzDYR/o1FasyqA6BIGQBnaIirj/XVld+4D65DnV+koVFLqpQiUXjkl8HmBXZpY6MuVvTx',
      'cCm/zaOR2LDHZMxbC00C3Fb0YZgeiNJgzHYDsB+N3IqfQDTZOr6RLm+L/6ARMNkjapHowfm5TF7Nx9es87s5Mt5c5tpGXPd3/9880ZnMsvXbAF',
      'JVmc0SmfNwGo7pkvE/bDRt3Y4dg7eGPUMSUwIwYJKoZIhvcNAQkVMRYEFHUOiN4iIWu0K3QaRSTJKnyTUootMEEwMTANBglghkgBZQMEAgEFAA',
      'QgINY/Yh8tyoMgRGTTDB6zcWNVfYF6A545AHdvMolaZTQECIUnum7GNn/vAgIIAA==',
    ].join(''),
  },
  /** Encrypted with RC2 and triple DES. */
  legacy: {
    password: 'pässwörd',
    keystore: [
      'MIID0gIBAzCCA5gGCSqGSIb3DQEHAaCCA4kEggOFMIIDgTCCAncGCSqGSIb3DQEHBqCCAmgwggJkAgEAMIICXQYJKoZIhvcNAQcBMBwGCiqGSI',
      'b3DQEMAQYwDgQIYUWC2PB9PccCAggAgIICMLfBaUay7t2LlP+j94QeB+RndLoj0J9hvEvGIduoDtioLgKgE2toVN7/r2B/HAVfsWDQimdvnRFq',
      'ZUMcCm7+exMurTJMp44UAwmOo20JiSKt9VpDUUTnjAwURvDk4g9IMmpK5p/v8z21RPCuCm/CqUDwdextCGqLBP667nokYD1PTWFnyeib845rJO',
      'F9p0KXJQ+as7Aj2Ea6B0qpi6+1bGLArmusULx3lZPi0VT851/rYv8+Wq3sJNM2gD9CT9InxKoOYd8aRVKQCXmgzkl5vUj7GRioLEt5rHAGtYja',
      'kukb81BhJldnriImozg8Aw6xnN9bczwBgFHVgaREJMwN6LnWWrpuT168BukNmV88QJoi3+1Sp2XQhhrGjI/ZEvEIRrGCKxRZFBV94RSDzuJ2Og',
      'kQXL2RaqQYYwaBHQc4nI5h6fcI2ahqZVfLA6eysB1N7n3V/BoI1WBK6N9a4HaNgZ10dxrUo1RySfJlSVa6Eujn+TqpvcIeEfOKwtP5JgDjT2r5',
      'sI29tOHXpV3M3/PvvAkg+yyBa0GXhnbLwAQdq/xpjdG25DbzGDX+zf/TjQqB+zVRtxa7AFsIRDe+F7VymM/gY1YBRN0HIRq4NNwn3khi5jISK6',
      'K5ekLRaVtFmE9qwT4Hrh0YPsgxg+JpGWIPkFmEwMmdH6P6HbmzEqxHYyZK0OkT9fVTMR5/bR85fVSOlJBuo3o9uHQjLT7pW/O74IN+3wolsnIG',
      '+Ynfl3+z6h6AMIIBAgYJKoZIhvcNAQcBoIH0BIHxMIHuMIHrBgsqhkiG9w0BDAoBAqCBtDCBsTAcBgoqhkiG9w0BDAEDMA4ECA00gXYd/MtxAg',
      'IIAASBkJTzIsD5RbHjOGo58O6rX6ZbK68NO/YPRFgL9pQhHTPm1pTFcipa2W5c60hGzmEkJPYbemlV+dgYUK2Bg3YtIg9SsFeZK17qZjEx8dtS',
      'A8DlWeoSFtoyhO+9GpRCAy41jfZKcHj8GHAU/csO4vKfhqm28vNPBcRUOFk+SOH00y/Q+rC4gojB0gNVIGTv+WaHcTElMCMGCSqGSIb3DQEJFT',
      'EWBBR1DojeIiFrtCt0GkUkySp8k1KKLTAxMCEwCQYFKw4DAhoFAAQUPXVSLNnE2X4NmNaHBndwUsDpJxIECICF4fE/NcypAgIIAA==',
    ].join(''),
  },
  /** Without encryption and without a checksum. */
  unencrypted: {
    password: '',
    keystore: [
      'MIIDPwIBAzCCAzgGCSqGSIb3DQEHAaCCAykEggMlMIIDITCCAkIGCSqGSIb3DQEHAaCCAjMEggIvMIICKzCCAicGCyqGSIb3DQEMCgEDoIIB7z',
      'CCAesGCiqGSIb3DQEJFgGgggHbBIIB1zCCAdMwggF5oAMCAQICFERlqkoNHFAueIS2vXriBM+GFE+zMAoGCCqGSM49BAMCMD4xHjAcBgoJkiaJ',
      'k/IsZAEBDA5jb20uZXhhbXBsZS5lYzEcMBoGA1UEAwwTQXBwbGUgUHVzaCBTZXJ2aWNlczAgFw0yNjExMjgyMTE2MDFaGA8yMTI2MTEwNDIxMT',
      'YwMVowPjEeMBwGCgmSJomT8ixkAQEMDmNvbS5leGFtcGxlLmVjMRwwGgYDVQQDDBNBcHBsZSBQdXNoIFNlcnZpY2VzMFkwEwYHKoZIzj0CAQYI',
      'KoZIzj0DAQcDQgAEDkD/sckOsWFbGN4jZvCLOSBbJc6yBSsme4hGdOuqQvOBNoF1lTmy7L0PkR9gExBS1B/8GnATu7WQXlngissH66NTMFEwHQ',
      'YDVR0OBBYEFHmM1N8VaOV1yEuqnCm7EFLUMjMOMB8GA1UdIwQYMBaAFHmM1N8VaOV1yEuqnCm7EFLUMjMOMA8GA1UdEwEB/wQFMAMBAf8wCgYI',
      'KoZIzj0EAwIDSAAwRQIhAJaX1F3LJFU/1G78q8CD8E4fxl4zhIB0USUP9QQY3DCWAiB2/jafRrz6AIFeHcOj9E0LO43Ol+lRe92hp/XK5zh6nz',
      'ElMCMGCSqGSIb3DQEJFTEWBBR1DojeIiFrtCt0GkUkySp8k1KKLTCB2AYJKoZIhvcNAQcBoIHKBIHHMIHEMIHBBgsqhkiG9w0BDAoBAaCBijCB',
      'hwIBADATBgcqhkjOPQIBBggqhkjOPQMBBwRtMGsCAQEEIBxQQODsw9GbvRYDvDPgRc/QjbloiAc9tm3WJWVLzZ7hoUQDQgAEDkD/sckOsWFbGN',
      '4jZvCLOSBbJc6yBSsme4hGdOuqQvOBNoF1lTmy7L0PkR9gExBS1B/8GnATu7WQXlngissH6zElMCMGCSqGSIb3DQEJFTEWBBR1DojeIiFrtCt0',
      'GkUkySp8k1KKLQ==',
    ].join(''),
  },
  /** A keystore without a key. */
  withoutKey: {
    password: 'secret',
    keystore: [
      'MIIC9wIBAzCCAq0GCSqGSIb3DQEHAaCCAp4EggKaMIICljCCApIGCSqGSIb3DQEHBqCCAoMwggJ/AgEAMIICeAYJKoZIhvcNAQcBMFcGCSqGSI',
      'b3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgb+k3xbfeiXQICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEDc8/WX6nUkizN+nlywhcmyA',
      'ggIQ54L5ZiapPPoP1TdaBRj7tql4jsztYGNwct1KG/hmg9uwUzW3ScTMwj7+cucf3EWULx+qh/j05GEOMpC+9owV9fOwLrhPvMgne1L0Huh73h',
      'Jv5QRICsnuQkC5UJjULMvH4zs5+44mFsUF58Y8hO04Ylkd4zEtrbceUatRdTD5M843mA3mUGSTgUXpLKk0GcKhe8AOdZyib9iXlGfHdE0LjI7x',
      'ekzoJdFK25XVi3B6cMumlcAA8VkV7qCSdaq8bTMXj2YxhdOyhFTUAlonj1bzU0xMg93a6tVqDp8T3ByYFth4Ohsq0EjyPi0ka65fg6/7e8eycE',
      '47f4QKDCP/Q7nPWDCAJEMvjr4pq93cqQISRmuH74FEWnQ7DeikSdEbpTZ8QEjSUWtnzZwjAWXazsRE5MDesQFzkcYNX4W7GBHhj/VL3Nma6fZl',
      'RNFKMpshu0bKprlrz1QZ8g48CimvqEpJHrUhkKjUHY9DmWq5RDfm94h49Ne3aw8XEDXkPVLQqyM43NcQJ7JqLkdzWamNh+02AsW2km8uFd0icK',
      'A6edOSCcunlVuENUQZXTOG5uckjqvYENEYEzSqqbwdY5tFOaforC0kT0WzG6f7V3e+mR0W35YRhbSBk5hP8gqIC1/5jKVwAWNiC9xXFA5cC9H7',
      'P+7nVqNkty7BeN6/75prHNV5JdNJHvrBdA2XR1AvOj1bOt0QMEEwMTANBglghkgBZQMEAgEFAAQgFStMnOX6X9UYrYdvzH1YycL4uLWsq15Bz+',
      'NwdedHis0ECDmV1rWBvhn8AgIIAA==',
    ].join(''),
  },
  /** Without a certificate. */
  withoutCertificate: {
    password: 'secret',
    keystore: [
      'MIIBfgIBAzCCATQGCSqGSIb3DQEHAaCCASUEggEhMIIBHTCCARkGCSqGSIb3DQEHAaCCAQoEggEGMIIBAjCB/wYLKoZIhvcNAQwKAQKgge8wge',
      'wwVwYJKoZIhvcNAQUNMEowKQYJKoZIhvcNAQUMMBwECERBEJTmGh5zAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQU+jrqX79qzyv',
      'UyekbCG9ggSBkIoRcOXPzpGfTyrixpfWBtBb3T57cqhUOq7eKJX3I42nN+Ogd+1OOgG9OzzQw+pEqZXNV2HXoLNyGjDNCWbVsP2hqGX6I9leue',
      'Ex4soH3rbRuRFmmhkoTlrCnEWMWmdMiMdWOciO9L3JN04nA7gAklHZFen5OXWV+Wt3dqaApzH9ETiKOvkvSvuXmg0lBircpDBBMDEwDQYJYIZI',
      'AWUDBAIBBQAEILGP21P0FmZnpPPnsrgb/6v1QTzCnpw/V1/NjH7SJsswBAhWKzwydJhtIgICCAA=',
    ].join(''),
  },
} as const;
