// Command zitadel runs the example server of zitadel's OpenID provider (the real server: endpoints, storage, sign-in page)
// with the clients, the user and the scopes that every peer has.
//
// Ours is only what the example leaves to its deployer: which scopes a client may ask for, how it authenticates, whose keys
// there are, the claim fhirUser, and that the FHIR endpoint may introspect every token. It runs behind ../glue/proxy.mjs.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// setup comes from ../glue/clients.mjs by way of start.mjs.
type setup struct {
	Clients []struct {
		ID     string           `json:"id"`
		Method string           `json:"method"`
		Secret string           `json:"secret"`
		Key    *jose.JSONWebKey `json:"key"`
	} `json:"clients"`
	RedirectURIs []string `json:"redirect_uris"`
	Scopes       string   `json:"scopes"`
	User         struct {
		Username string `json:"username"`
		Password string `json:"password"`
	} `json:"user"`
	PatientURL string `json:"patient_url"`
	// The client of the FHIR endpoint, which is there for introspection alone.
	FHIR string `json:"fhir"`
}

// client is the example's, with the scopes of the peers and its own method of authentication.
type client struct {
	op.Client
	scopes []string
	method oidc.AuthMethod
}

func (c client) IsScopeAllowed(scope string) bool { return slices.Contains(c.scopes, scope) }
func (c client) AuthMethod() oidc.AuthMethod      { return c.method }

// users is the store of the example with one user.
type users struct{ demo *storage.User }

func (u users) GetUserByID(id string) *storage.User {
	if id == u.demo.ID {
		return u.demo
	}
	return nil
}

func (u users) GetUserByUsername(name string) *storage.User {
	if name == u.demo.Username {
		return u.demo
	}
	return nil
}

func (u users) ExampleClientID() string { return storage.ServiceUserID }

// peer is the example's storage, with what the deployer decides.
type peer struct {
	*storage.Storage
	setup   setup
	methods map[string]oidc.AuthMethod
	keys    map[string]*jose.JSONWebKey
	// For which client an access token was made, by the token's id: the FHIR endpoint asks in that client's name.
	issued sync.Map
}

func (p *peer) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	found, err := p.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	return client{found, strings.Fields(p.setup.Scopes), p.methods[id]}, nil
}

func (p *peer) GetKeyByIDAndClientID(_ context.Context, keyID, clientID string) (*jose.JSONWebKey, error) {
	if key := p.keys[clientID]; key != nil && key.KeyID == keyID {
		return key, nil
	}
	return nil, fmt.Errorf("key not found")
}

func (p *peer) CreateAccessToken(ctx context.Context, request op.TokenRequest) (string, time.Time, error) {
	id, until, err := p.Storage.CreateAccessToken(ctx, request)
	p.remember(id, request)
	return id, until, err
}

func (p *peer) CreateAccessAndRefreshTokens(ctx context.Context, request op.TokenRequest, current string) (string, string, time.Time, error) {
	id, refresh, until, err := p.Storage.CreateAccessAndRefreshTokens(ctx, request, current)
	p.remember(id, request)
	return id, refresh, until, err
}

func (p *peer) remember(token string, request op.TokenRequest) {
	if of, ok := request.(interface{ GetClientID() string }); ok {
		p.issued.Store(token, of.GetClientID())
	}
}

func (p *peer) SetIntrospectionFromToken(ctx context.Context, answer *oidc.IntrospectionResponse, token, subject, clientID string) error {
	if of, known := p.issued.Load(token); known && clientID == p.setup.FHIR {
		clientID = of.(string)
	}
	return p.Storage.SetIntrospectionFromToken(ctx, answer, token, subject, clientID)
}

func (p *peer) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string) error {
	if slices.Contains(scopes, "fhirUser") {
		info.AppendClaims("fhirUser", p.setup.PatientURL)
	}
	return p.Storage.SetUserinfoFromRequest(ctx, info, request, scopes)
}

func (p *peer) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	if err := p.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin); err != nil {
		return err
	}
	info.AppendClaims("fhirUser", p.setup.PatientURL)
	return nil
}

func main() {
	var given setup
	if err := json.Unmarshal([]byte(os.Getenv("SETUP")), &given); err != nil {
		slog.Error("SETUP", "error", err)
		os.Exit(1)
	}
	p := &peer{setup: given, methods: map[string]oidc.AuthMethod{}, keys: map[string]*jose.JSONWebKey{}}
	for _, c := range given.Clients {
		p.methods[c.ID], p.keys[c.ID] = oidc.AuthMethod(c.Method), c.Key
		if c.Method == "none" {
			storage.RegisterClients(storage.NativeClient(c.ID, given.RedirectURIs...))
		} else {
			storage.RegisterClients(storage.WebClient(c.ID, c.Secret, given.RedirectURIs...))
		}
	}
	p.Storage = storage.NewStorage(users{&storage.User{
		ID: "demo-id", Username: given.User.Username, Password: given.User.Password, FirstName: "Demo", LastName: "User",
	}})
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	handler := exampleop.SetupServer(os.Getenv("PUBLIC_ORIGIN"), p, logger, false)
	if err := http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), handler); err != nil {
		logger.Error("server ended", "error", err)
		os.Exit(1)
	}
}
