// Package pki makes certificate authorities, certificates, service account keys
// and kubeconfigs. It keeps everything as PEM in memory; who needs files writes them.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

const lifetime = 10 * 365 * 24 * time.Hour

// Pair is a certificate and its private key, both as PEM.
type Pair struct {
	Certificate []byte
	Key         []byte
}

// Authority signs certificates.
type Authority struct {
	Pair
	certificate *x509.Certificate
	signer      crypto.Signer
}

// Subject says whom a certificate is for. A server also needs the names and addresses it is reached by.
type Subject struct {
	CommonName   string
	Organization []string
	Names        []string
	Addresses    []net.IP
}

// NewAuthority makes a self-signed authority.
func NewAuthority(commonName string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(pkix.Name{CommonName: commonName})
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageCRLSign
	pair, err := sign(template, template, key, key)
	if err != nil {
		return nil, err
	}
	return LoadAuthority(pair)
}

// LoadAuthority reads back what NewAuthority made.
func LoadAuthority(pair Pair) (*Authority, error) {
	loaded, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return nil, err
	}
	signer, ok := loaded.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the key of authority `%s` cannot sign", loaded.Leaf.Subject.CommonName)
	}
	return &Authority{Pair: pair, certificate: loaded.Leaf, signer: signer}, nil
}

// Issue makes a certificate with an elliptic-curve key, which takes no noticeable time.
func (a *Authority) Issue(subject Subject) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	return a.issue(subject, key)
}

// IssueRSA makes a certificate with an RSA key in PKCS #1, as kubeadm and vCluster do.
func (a *Authority) IssueRSA(subject Subject) (Pair, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return Pair{}, err
	}
	return a.issue(subject, key)
}

func (a *Authority) issue(subject Subject, key crypto.Signer) (Pair, error) {
	template, err := newTemplate(pkix.Name{CommonName: subject.CommonName, Organization: subject.Organization})
	if err != nil {
		return Pair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames = subject.Names
	template.IPAddresses = subject.Addresses
	return sign(template, a.certificate, key, a.signer)
}

// NewServiceAccountKey makes the key that signs service account tokens. In place of a
// certificate stands its public half.
func NewServiceAccountKey() (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return Pair{}, err
	}
	private, err := encodeKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{Certificate: encode("PUBLIC KEY", public), Key: private}, nil
}

// Kubeconfig is one cluster, one user and one context, with all credentials inside.
type Kubeconfig struct {
	Cluster, User, Context string
	Server                 string
	Authority              []byte
	Client                 Pair
}

// YAML is the file's content.
func (k Kubeconfig) YAML() []byte {
	text := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- name: %s
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: %s
  user:
    client-certificate-data: %s
    client-key-data: %s
contexts:
- name: %s
  context:
    cluster: %s
    user: %s
current-context: %s
`, k.Cluster, k.Server, text(k.Authority), k.User, text(k.Client.Certificate), text(k.Client.Key),
		k.Context, k.Cluster, k.User, k.Context)
}

func newTemplate(name pkix.Name) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	// An hour back, for a client whose clock is late.
	return &x509.Certificate{SerialNumber: serial, Subject: name, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(lifetime)}, nil
}

func sign(template, parent *x509.Certificate, key, signer crypto.Signer) (Pair, error) {
	certificate, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return Pair{}, err
	}
	private, err := encodeKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{Certificate: encode("CERTIFICATE", certificate), Key: private}, nil
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), nil
	case *ecdsa.PrivateKey:
		bytes, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			return nil, err
		}
		return encode("EC PRIVATE KEY", bytes), nil
	}
	return nil, fmt.Errorf("no encoding for a key of type %T", key)
}

func encode(kind string, bytes []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})
}
